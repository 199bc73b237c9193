uniform vec4 line_color; // linear, premultiplied
out vec4 color;
void main() { color = line_color; }
