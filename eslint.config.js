import tseslint from 'typescript-eslint'

/** A room of the client library may import only from the rooms named beside it (docs/architecture.md). */
const rooms = {
  crypto: ['crypto'],
  strength: ['crypto', 'strength'],
  recovery: ['crypto', 'recovery'],
  vault: ['crypto', 'strength', 'vault'],
  nostr: ['crypto', 'vault', 'nostr'],
  identity: ['crypto', 'vault', 'identity'],
  legacy: ['crypto', 'vault', 'nostr', 'legacy'],
  sync: ['crypto', 'strength', 'recovery', 'vault', 'sync'],
}
const all = ['crypto', 'strength', 'recovery', 'vault', 'nostr', 'identity', 'sync', 'legacy']

const onlyRooms = (room) => [
  ...all
    .filter((other) => !rooms[room].includes(other))
    .map((other) => ({ group: [`**/${other}/**`], message: `${room} does not import ${other}.` })),
  { group: ['keyhaven/*', '@keyhaven/*'], message: 'The library imports its own files by path.' },
]

const directions = Object.keys(rooms).map((room) => ({
  files: [`packages/keyhaven/src/${room}/**/*.ts`],
  ignores: ['**/*.test.ts'],
  rules: { 'no-restricted-imports': ['error', { patterns: onlyRooms(room) }] },
}))

/** Within sync a folder may import from those named beside it, and the types of outcomes.ts. */
const syncFolders = {
  format: ['format'],
  device: ['format', 'device'],
  transport: ['format', 'device', 'transport'],
  steps: ['format', 'device', 'transport', 'steps'],
  operations: ['format', 'device', 'transport', 'steps', 'operations'],
}
const withinSync = Object.entries(syncFolders).map(([folder, allowed]) => ({
  files: [`packages/keyhaven/src/sync/${folder}/**/*.ts`],
  ignores: ['**/*.test.ts'],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          ...onlyRooms('sync'),
          ...Object.keys(syncFolders)
            .filter((other) => !allowed.includes(other))
            .map((other) => ({
              group: [`../${other}/**`],
              message: `sync/${folder} does not import sync/${other}.`,
            })),
          {
            group: ['../*.ts', '!../outcomes.ts'],
            message: `sync/${folder} does not import what stands above it.`,
          },
        ],
      },
    ],
  },
}))

export default tseslint.config(
  { ignores: ['**/dist/', '**/node_modules/', 'bench/**/*.mjs', '**/*.js', 'vitest*.config.ts'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 50, skipBlankLines: true, skipComments: true }],
      'no-console': 'error',
      eqeqeq: 'error',
      'no-restricted-properties': [
        'error',
        ...['innerHTML', 'outerHTML', 'insertAdjacentHTML'].map((property) => ({
          property,
          message: 'Text is text.',
        })),
      ],
      'no-restricted-syntax': [
        'error',
        { selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']", message: 'Text is text.' },
      ],
    },
  },
  ...directions,
  ...withinSync,
  {
    files: ['packages/server/src/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: ['keyhaven/vault*', 'keyhaven/sync*', '@keyhaven/cli*'],
              message: 'The server imports keyhaven, keyhaven/crypto and keyhaven/recovery only.',
            },
          ],
        },
      ],
    },
  },
  { files: ['packages/cli/src/**/*.ts'], rules: { 'no-console': 'off' } },
  // A component is one function whose length is markup.
  // Radio and Checkbox in one part are what the page needs; their successors split them for layouts that it has not.
  {
    files: ['packages/page/src/web/**/*.tsx'],
    rules: { 'max-lines-per-function': 'off', '@typescript-eslint/no-deprecated': 'off' },
  },
  { files: ['**/*.test.ts', '**/*.soak.ts', '**/testing/*.ts'], rules: { 'max-lines-per-function': 'off' } },
)
