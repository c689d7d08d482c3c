#!/usr/bin/env node
// Not in dist, so that the package manager finds it before anything is built.
import { crashLabMain } from '../dist/index.js';

process.exitCode = await crashLabMain(process.argv.slice(2));
