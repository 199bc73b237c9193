// The number of the triangle, counted through all meshes from 1: exact up to 2^24.
uniform int first_triangle;
out float number;
void main() { number = float(first_triangle + gl_PrimitiveID); }
