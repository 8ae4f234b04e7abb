// How the dashboard is built: relative URLs, hashed assets, nothing inline, so that it
// runs under a strict content security policy and any static prefix.
import { readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { resolve } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const here = fileURLToPath(new URL('.', import.meta.url));

/** Serves and ships the few lines that set the remembered theme before the first paint. */
function themeBoot(): Plugin {
  const source = readFileSync(resolve(here, 'src/theme-boot.js'), 'utf8');
  const hash = createHash('sha256').update(source).digest('hex').slice(0, 8);
  const name = `assets/theme-${hash}.js`;
  let building = false;
  return {
    name: 'tally-theme-boot',
    configResolved(config) {
      building = config.command === 'build';
    },
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: name, source });
    },
    transformIndexHtml() {
      return [
        {
          tag: 'script',
          attrs: { src: building ? `./${name}` : '/src/theme-boot.js' },
          injectTo: 'head-prepend',
        },
      ];
    },
  };
}

export default defineConfig({
  base: './',
  plugins: [react(), themeBoot()],
  build: {
    outDir: process.env['TALLY_WEB_OUT'] ?? resolve(here, '../build/web'),
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
    reportCompressedSize: false,
    rollupOptions: {
      output: {
        entryFileNames: 'assets/[name]-[hash].js',
        chunkFileNames: 'assets/[name]-[hash].js',
        assetFileNames: 'assets/[name]-[hash][extname]',
      },
    },
  },
  server: {
    host: '127.0.0.1',
    port: 5173,
    proxy: Object.fromEntries(
      ['/ajax-api', '/api', '/get-artifact'].map((path) => [
        path,
        { target: process.env['TALLY_URL'] ?? 'http://127.0.0.1:5000' },
      ]),
    ),
  },
});
