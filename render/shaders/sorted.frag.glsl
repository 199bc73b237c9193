// Which mesh is seen, as a depth: passes over the whole picture then shade the pixels of one mesh, or of none.
uniform sampler2D seen;
uniform int first_triangles[MESHES];
out vec4 color; // none yet
void main() {
    int number = int(texelFetch(seen, ivec2(gl_FragCoord.xy), 0).r);
    int mesh = 0;
    for (int i = 0; i < MESHES; i++) mesh += number >= first_triangles[i] ? 1 : 0;
    color = vec4(0.0);
    gl_FragDepth = mesh == 0 ? 1.0 : float(mesh) / 256.0;
}
