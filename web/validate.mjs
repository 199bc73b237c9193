// Prints the Khronos glTF validator's report on one file as JSON.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const validator = createRequire(import.meta.url)("gltf-validator");
const report = await validator.validateBytes(new Uint8Array(readFileSync(process.argv[2])), { maxIssues: 100 });
process.stdout.write(JSON.stringify(report.issues));
