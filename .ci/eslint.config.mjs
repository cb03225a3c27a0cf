// What is asked of the views' JavaScript: no undefined or unused name, and our own few habits.
const names = [
  ...["document", "window", "performance", "console", "Blob", "URL", "PointerEvent"],
  ...["setTimeout", "clearTimeout", "setInterval", "clearInterval", "requestAnimationFrame"],
  ...["cancelAnimationFrame", "IntersectionObserver", "ResizeObserver", "structuredClone", "atob"],
  ...["Path2D", "OffscreenCanvas", "ImageData", "matchMedia"],
];
const rules = {
  ...{ "no-undef": "error", "no-unused-vars": "error", "no-redeclare": "error" },
  ...{ "no-unreachable": "error", "no-dupe-keys": "error", "no-shadow-restricted-names": "error" },
  ...{ "no-var": "error", "prefer-const": "error", eqeqeq: ["error", "smart"] },
  "max-len": ["error", { code: 100 }],
};

export default [
  {
    files: ["**/*.js"],
    languageOptions: {
      ...{ ecmaVersion: 2024, sourceType: "module" },
      globals: Object.fromEntries(names.map((name) => [name, "readonly"])),
    },
    // The entry of each page file is called by the bundle's last line, not by the file.
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules,
  },
];
