#!/bin/sh
# Builds the console into the directory that the cloud embeds.
set -eu
cd "$(dirname "$0")/../console"
[ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund
npm run gen
npm run build
