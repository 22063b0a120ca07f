#!/usr/bin/env node
import { keepCompiled } from './compiled.ts'

keepCompiled(process.env)
// Only now, so that it is among what is kept.
const [{ run }, { processTerminal }] = await Promise.all([import('./run.ts'), import('./terminal.ts')])

process.exitCode = await run(process.argv.slice(2), processTerminal())
