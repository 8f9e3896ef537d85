/// <reference types="vite/client" />

/** What is used of Trusted Types, which TypeScript does not describe. */
declare const trustedTypes:
  | {
      createPolicy(
        name: string,
        rules: { readonly createScriptURL: (address: string) => string },
      ): { createScriptURL(address: string): unknown }
    }
  | undefined
