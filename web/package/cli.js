#!/usr/bin/env node
// demucs-onnx separate: songs into stems, wherever Node runs.
import { main } from './lib/command.js';

process.exitCode = await main(process.argv.slice(2));
