import { AppError } from '../core/errors.ts';
import type { Delivered } from '../ingest/ingest.ts';
import { checkDeclared, type Placed, placeFiles, type TaskEntry } from '../tasks/tasks.ts';
import type { Exchange } from './exchange.ts';
import { WISH_PARAMETERS } from './prefer.ts';
import type { Params } from './route.ts';
import { sentMediaType, type Uploads } from './upload.ts';

/** What a call brings beside its body: input members as text, and members that name one of the task's files. */
export interface CallQuery {
  readonly members: Readonly<Record<string, string>>;
  readonly sources: Readonly<Record<string, string>>;
}

/** What came in the body, files that members point to included. */
export interface TaskBody extends Delivered {
  /** Only JSON has types: all else is text. */
  readonly from: 'json' | 'text';
}

type StoredFile = Delivered['files'][number]['file'];

/** Query parameters that speak to the call, not to the task. */
const CALL_PARAMETERS = new Set<string>([...WISH_PARAMETERS, 'callback_url']);
/** The same, unless the task's input has a member of that name. */
const SOFT_PARAMETERS = new Set(['name', 'priority']);

/** What callers put into the body for the call, though only there it counts. */
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ['deadline', 'the query, as in ?deadline=30'],
  ['on_timeout', 'the query, as in ?on_timeout=continue'],
  ['priority', 'the query, as in ?priority=5'],
  ['wait', 'a header, as in Prefer: wait=5'],
]);

/** Members of a JSON body that mean its one file, whatever the task calls it. */
const WHOLE_FILE = new Set(['file', 'url', 'base64']);

/** What people's tools send when nobody chose a type; the content tells. */
const UNSPECIFIC_TYPES = new Set([
  '',
  'application/octet-stream',
  'application/x-www-form-urlencoded',
  'binary/octet-stream',
]);

/** Query and path parameters. Error: `invalid_input`, for one that is given twice. */
export function readQuery({ query }: Exchange, entry: TaskEntry, params: Params = {}): CallQuery {
  const given = [...query].filter(([name]) => !isCallParameter(entry, name));
  const all = [...given, ...Object.entries(params)];
  const twice = all.find(([name], index) => all.findIndex(([other]) => other === name) !== index);
  if (twice) throw new AppError('invalid_input', `${twice[0]}: given more than once`);
  const isSource = ([name]: [string, string]) => entry.slots.some((slot) => slot.name === name);
  return {
    members: Object.fromEntries(all.filter((member) => !isSource(member))),
    sources: Object.fromEntries(all.filter(isSource)),
  };
}

function isCallParameter(entry: TaskEntry, name: string): boolean {
  return CALL_PARAMETERS.has(name) || (SOFT_PARAMETERS.has(name) && !entry.input.has(name));
}

/** Refuses what the headers and the query already rule out. Errors: `invalid_input`, `unsupported_media_type`. */
export function checkEarly(exchange: Exchange, entry: TaskEntry, { members }: CallQuery): void {
  // More input may follow in the body, unless the body is the file; without a body it is complete.
  if (!exchange.hasBody || (entry.slots.length > 0 && !isComposite(exchange))) entry.input.parse(members, 'text');
  const mediaType = sentMediaType(exchange);
  const [slot] = entry.slots;
  if (slot && exchange.hasBody && !isComposite(exchange) && !UNSPECIFIC_TYPES.has(mediaType))
    checkDeclared(entry.task.name, slot, mediaType);
}

export interface BodyOptions {
  readonly caller: string;
  readonly query: CallQuery;
  /** Default: when the client is gone. */
  readonly signal?: AbortSignal;
}

/** Brings in the body of a call of a task. On an error nothing of it is kept. */
export async function receiveBody(
  uploads: Uploads,
  exchange: Exchange,
  entry: TaskEntry,
  { query, ...options }: BodyOptions,
): Promise<TaskBody> {
  const body = await receivePlain(uploads, exchange, entry, { ...options, sources: query.sources });
  const { files: fromBody, rest } = splitMembers(entry, body.members);
  const sources = Object.entries({ ...query.sources, ...fromBody });
  if (sources.length === 0) return body;
  try {
    const brought = await uploads.bring(exchange, sources, options);
    const files = [...body.files, ...brought.files];
    const undo = async () => void (await Promise.all([body.undo(), brought.undo()]));
    return { files, members: rest, undo, from: body.from };
  } catch (error) {
    await body.undo();
    throw error;
  }
}

function splitMembers({ slots }: TaskEntry, members: Delivered['members']) {
  const isFile = ([name]: [string, unknown]) => slots.some((slot) => slot.name === name);
  const all = Object.entries(members);
  return {
    files: Object.fromEntries(all.filter(isFile)),
    rest: Object.fromEntries(all.filter((member) => !isFile(member))),
  };
}

interface PlainOptions {
  readonly caller: string;
  readonly sources: CallQuery['sources'];
  readonly signal?: AbortSignal;
}

async function receivePlain(
  uploads: Uploads,
  exchange: Exchange,
  { slots }: TaskEntry,
  { caller, sources, ...options }: PlainOptions,
): Promise<TaskBody> {
  const needsBody = slots.some(({ optional, many, name }) => !optional && !many && !Object.hasOwn(sources, name));
  if (!exchange.hasBody && !needsBody) return { files: [], members: {}, undo: async () => undefined, from: 'text' };
  if (slots.length === 0 && sentMediaType(exchange) !== 'multipart/form-data')
    return await uploads.receiveFields(exchange, { caller, ...options });
  const fileMembers = slots.map(({ name }) => name).filter((name) => !WHOLE_FILE.has(name));
  const delivered = await uploads.receive(exchange, { caller, as: 'any', fileMembers, ...options });
  return { ...delivered, from: sentMediaType(exchange) === 'application/json' ? 'json' : 'text' };
}

/** Query and body together. Error: `invalid_input`, also for a name that stands in both or means the call. */
export function readInput(entry: TaskEntry, { members: query }: CallQuery, { members, from }: TaskBody): unknown {
  refuseMisplaced(entry, members);
  const isInput = ([name]: [string, unknown]) => ELSEWHERE.has(name) || !isCallParameter(entry, name);
  const rest = Object.fromEntries(Object.entries(members).filter(isInput));
  const twice = Object.keys(rest).find((name) => Object.hasOwn(query, name));
  if (twice !== undefined) throw new AppError('invalid_input', `${twice}: given in the query and in the body`);
  if (from === 'text') return entry.input.parse({ ...query, ...rest }, 'text');
  return entry.input.parse({ ...entry.input.fromText(query), ...rest }, 'json');
}

/** An endpoint that runs inline has no such parameters. */
function refuseMisplaced(entry: TaskEntry, members: TaskBody['members']): void {
  if (entry.isInline) return;
  for (const name of Object.keys(members)) {
    const place = ELSEWHERE.get(name);
    if (place !== undefined && !mayHave(entry, name))
      throw new AppError('invalid_input', `${name}: is no input of ${entry.task.name}; say it in ${place}`);
  }
}

/** True for a schema that takes any member or does not tell which. */
function mayHave({ input }: TaskEntry, name: string): boolean {
  const { properties, additionalProperties = false } = input.jsonSchema;
  return input.has(name) || properties === undefined || additionalProperties !== false;
}

/** The files of the call, each for one of the task's. */
export function readFiles({ task, slots }: TaskEntry, { files }: TaskBody): readonly Placed<StoredFile>[] {
  return placeFiles(task.name, slots, files);
}

function isComposite(exchange: Exchange): boolean {
  const mediaType = sentMediaType(exchange);
  return mediaType === 'application/json' || mediaType === 'multipart/form-data';
}

/** On an error nothing of what was delivered is kept. */
export async function undoing<T>({ undo }: TaskBody, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    await undo();
    throw error;
  }
}
