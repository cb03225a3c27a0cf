// What is asked of the views' JavaScript: no undefined or unused name, files and functions that can
// be read at a sitting, and our own few habits.
const names = [
  "document", "window", "IntersectionObserver", "requestAnimationFrame",
  "setTimeout", "clearTimeout", "setInterval", "clearInterval",
  "Blob", "ImageData", "URL", "atob", "structuredClone",
];
const rules = {
  "no-undef": "error",
  "no-unused-vars": "error",
  "no-redeclare": "error",
  "no-unreachable": "error",
  "no-dupe-keys": "error",
  "no-shadow-restricted-names": "error",
  "no-var": "error",
  "prefer-const": "error",
  eqeqeq: ["error", "smart"],
  "max-len": ["error", { code: 100 }],
  "max-lines": ["error", { max: 250, skipBlankLines: true }],
  "max-lines-per-function": ["error", { max: 40, skipBlankLines: true, skipComments: true }],
  "max-depth": ["error", 4],
  "no-restricted-syntax": ["error", {
    selector: "SpreadElement[argument.type=/^(Object|Array)Expression$/]",
    message: "Write what is in the brackets without them and the dots.",
  }],
};

export default [
  {
    files: ["**/*.js"],
    languageOptions: {
      ecmaVersion: 2024,
      sourceType: "module",
      globals: Object.fromEntries(names.map((name) => [name, "readonly"])),
    },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules,
  },
];
