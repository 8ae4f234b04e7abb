// Lint rules of the tests in plain JavaScript, which no compiler reads: names that nobody defines, and leftovers.
const builtIn = Object.getOwnPropertyNames(globalThis);
// What functions that run inside a page use of it.
const ofPages = [
  'DataTransfer',
  'document',
  'getComputedStyle',
  'localStorage',
  'location',
  'matchMedia',
  'navigator',
  'requestAnimationFrame',
  'sessionStorage',
  'top',
  'window',
];

export default [
  {
    files: ['**/*.mjs'],
    languageOptions: {
      globals: Object.fromEntries([...builtIn, ...ofPages].map((name) => [name, 'readonly'])),
    },
    rules: { 'no-undef': 'error', 'no-unused-vars': 'error' },
  },
];
