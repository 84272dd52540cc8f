import { defineConfig } from 'vitest/config'
import { assetHash } from './build/asset.js'

export default defineConfig({
  // The page runs in one browser, the terminal's own (Chromium 120 is Debian 12's first).
  build: {
    target: 'chrome120',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0, // the policy of the page allows no data: address
    emptyOutDir: true,
  },
  plugins: [
    {
      name: 'asset-hash',
      apply: 'build',
      // After everything is written: the page must know which page it is.
      closeBundle: { order: 'post', handler: () => assetHash('dist') },
    },
  ],
  server: { host: '127.0.0.1' },
  test: { include: ['test/**/*.test.ts'], environment: 'node', css: true },
})
