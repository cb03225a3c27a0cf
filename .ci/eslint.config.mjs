// What is asked of the views' JavaScript: no undefined or unused name, and our own few habits.
const names = [
  ...["document", "window", "Blob", "URL", "atob", "structuredClone", "requestAnimationFrame"],
  ...["setTimeout", "clearTimeout", "setInterval", "clearInterval", "IntersectionObserver"],
  ...["ImageData"],
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
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules,
  },
];
