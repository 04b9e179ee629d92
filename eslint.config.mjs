import tseslint from 'typescript-eslint';

/** Folders are layers and imports point one way: schemas <- models <- pipelines <- activities <- workflows (types only). */
const above = {
  schemas: ['models', 'pipelines', 'activities', 'workflows', 'servers', 'cli', 'simulator', 'datasets'],
  models: ['pipelines', 'activities', 'workflows', 'servers', 'cli', 'simulator', 'datasets'],
  simulator: ['pipelines', 'activities', 'workflows', 'servers', 'cli', 'datasets'],
  datasets: ['models', 'pipelines', 'activities', 'workflows', 'servers', 'cli', 'simulator'],
  pipelines: ['activities', 'workflows', 'servers', 'cli', 'simulator', 'datasets'],
  activities: ['workflows', 'servers', 'cli', 'simulator', 'datasets'],
  servers: ['models', 'pipelines', 'activities', 'workflows', 'cli', 'simulator', 'datasets'],
};

const layers = Object.entries(above).map(([folder, forbidden]) => ({
  files: [`${folder}/**/*.ts`],
  rules: {
    'no-restricted-imports': ['error', {
      patterns: [{
        regex: `^(\\.\\./)+(${forbidden.join('|')})/`,
        message: `${folder}/ may not import from a layer above it (docs/architecture.md)`,
      }],
    }],
  },
}));

/** Pure code folds and computes; only the runtime and the edges may wait. */
const pure = {
  files: ['schemas/**/*.ts', 'models/**/*.ts', 'pipelines/*.ts', 'pipelines/!(runtime)/**/*.ts'],
  rules: {
    'no-restricted-syntax': ['error',
      { selector: 'AwaitExpression', message: 'pure code does not await' },
      { selector: "CallExpression[callee.object.name='Math'][callee.property.name='random']", message: 'pass a seeded generator in' },
      { selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']", message: 'time comes from the event' },
    ],
  },
};

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', '.cache/**', '.aftercare/**', 'models/*/assembly/**'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: { allowDefaultProject: ['*.mjs', 'bin/*.mjs', 'scripts/*.mjs'] }, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/require-await': 'off',
      // Ports and adapters are closures: their functions have no `this` to lose.
      '@typescript-eslint/unbound-method': 'off',
      'no-restricted-syntax': ['error', { selector: 'TSEnumDeclaration', message: 'as const objects, never enum' }],
      'prefer-const': 'error',
      eqeqeq: ['error', 'always'],
      'max-lines-per-function': ['error', { max: 100, skipComments: true, skipBlankLines: true }],
      'max-lines': ['error', { max: 500, skipComments: true, skipBlankLines: true }],
    },
  },
  { files: ['**/*.mjs'], ...tseslint.configs.disableTypeChecked },
  { files: ['test/**/*.ts'], rules: { 'max-lines-per-function': 'off' } },
  ...layers,
  pure,
);
