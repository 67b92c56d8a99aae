import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

/** TypeORM opens a transaction for these, which on SQLite's one connection swallows other people's writes. */
const transactional = ['save', 'remove', 'softRemove', 'recover', 'transaction', 'startTransaction'];

const statements = {
  selector: `CallExpression[callee.property.name=/^(${transactional.join('|')})$/]`,
  message: 'Write in single statements (insert, update, delete, a query builder): see docs/architecture.md, Decisions.',
};

/** One unit a name: a `day` would be milliseconds in one file and seconds in the next. */
const units = [
  {
    selector:
      'VariableDeclarator[id.name=/^(second|minutes?|hours?|days?|weeks?)$/] > :matches(Literal, BinaryExpression).init',
    message: 'Say the unit in the name: take dayMs or daySeconds from src/config/durations.ts.',
  },
  {
    selector: 'Literal[raw=/^(60_?000|3_?600|3_?600_?000|86_?400|86_?400_?000)$/]',
    message: 'Take it from src/config/durations.ts, whose names say the unit.',
  },
];

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'dist-counted/',
      'dist-tested/',
      'coverage/',
      '.cache/',
      'views/',
      'storage/',
      'scripts/templates/',
    ],
  },
  eslint.configs.recommended,
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  { languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } } },
  {
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidOperator: true, ignoreVoidReturningFunctions: true },
      ],
      // Nest's modules are classes without members
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true, allowStaticOnly: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      // what leaves is a plain object of the shape that a class describes
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // entities and inputs are rows and bodies: there is no method to lose
      '@typescript-eslint/no-misused-spread': 'off',
      'no-restricted-syntax': ['error', statements],
    },
  },
  {
    files: ['src/**'],
    ignores: ['src/{main,server,command}.ts'],
    rules: {
      'no-restricted-syntax': ['error', statements, ...units],
      'no-restricted-properties': ['error', { object: 'process', property: 'env', message: 'Ask for Settings.' }],
    },
  },
  {
    files: ['**/*.js', '**/*.cjs', '**/*.mjs'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        URL: 'readonly',
        fetch: 'readonly',
        performance: 'readonly',
        Buffer: 'readonly',
        setInterval: 'readonly',
        clearInterval: 'readonly',
        setTimeout: 'readonly',
        structuredClone: 'readonly',
        module: 'writable',
      },
    },
  },
);
