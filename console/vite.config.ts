import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// The build is embedded into the program, so it goes where go:embed looks.
// In development the API comes from a running `gabion run`.
export default defineConfig({
  plugins: [react()],
  build: { outDir: '../internal/cloud/web/dist', emptyOutDir: true },
  server: { proxy: { '/api': 'http://localhost:9000' } },
})
