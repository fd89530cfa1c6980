// Compiles the PNG encoder at `npm install`. Nothing here may fail an install: without a compiler, or where anything
// goes wrong, one line says so and the pure encoder in src/raster/png.ts does the work. Runs on the Node that npm uses.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = (name) => fileURLToPath(new URL(`${name}/`, import.meta.url));
const SOURCES = folder('src');
const BUILD = folder('build');
const TARGET = `${BUILD}png.node`;
const COMPILERS = process.env.CXX === undefined ? ['g++', 'clang++', 'c++'] : [process.env.CXX];
const FLAGS = ['-std=c++17', '-O3', '-fPIC', '-fvisibility=hidden', '-Wall', '-Wextra', '-DNAPI_VERSION=8'];
const LINK_FLAGS = process.platform === 'darwin' ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared'];
/** Files that use more than the oldest CPU has; they are entered only after a look at the CPU. */
const EXTRA_FLAGS = process.arch === 'x64' ? { 'kernels-avx2.cpp': ['-mavx2'] } : {};

function findCompiler() {
  if (process.platform === 'win32') throw new Error('not supported on Windows');
  const found = COMPILERS.find((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0);
  if (found === undefined) throw new Error(`no C++ compiler (looked for ${COMPILERS.join(', ')})`);
  return found;
}

function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let output = '';
    child.stderr.on('data', (bytes) => {
      output += bytes;
    });
    child.on('error', reject);
    child.on('close', (status) => {
      if (status === 0) resolve();
      else
        reject(new Error(`${command} failed: ${output.split('\n').find((line) => line.includes('error')) ?? status}`));
    });
  });
}

/** In a process of its own: a binary that this machine cannot run must not end the install. */
function checkLoads(path) {
  return run(process.execPath, ['-e', `process.dlopen({ exports: {} }, ${JSON.stringify(path)})`]);
}

/** Newer than all it is made of, and made for this machine. */
async function isUpToDate() {
  if (!existsSync(TARGET)) return false;
  const built = statSync(TARGET).mtimeMs;
  const sources = [fileURLToPath(import.meta.url), ...readdirSync(SOURCES).map((name) => SOURCES + name)];
  if (sources.some((path) => statSync(path).mtimeMs >= built)) return false;
  return checkLoads(TARGET).then(
    () => true,
    () => false,
  );
}

async function compile(scratch) {
  const compiler = findCompiler();
  const { default: api } = await import('node-api-headers');
  const files = readdirSync(SOURCES).filter((name) => name.endsWith('.cpp'));
  const objectOf = (name) => `${scratch}/${name}.o`;
  await Promise.all(
    files.map((name) =>
      run(compiler, [
        ...FLAGS,
        ...(EXTRA_FLAGS[name] ?? []),
        `-I${api.include_dir}`,
        '-c',
        SOURCES + name,
        '-o',
        objectOf(name),
      ]),
    ),
  );
  const fresh = `${scratch}/png.node`;
  await run(compiler, [...LINK_FLAGS, ...files.map(objectOf), '-o', fresh]);
  await checkLoads(fresh);
  renameSync(fresh, TARGET);
}

async function build() {
  if (await isUpToDate()) return;
  mkdirSync(BUILD, { recursive: true });
  const scratch = mkdtempSync(`${BUILD}tmp-`);
  try {
    await compile(scratch);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

try {
  await build();
  process.stdout.write('native/png: ready\n');
} catch (error) {
  rmSync(TARGET, { force: true });
  process.stdout.write(`native/png: not built, pages take longer to encode: ${error.message}\n`);
}
