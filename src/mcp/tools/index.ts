import type { Tool } from "../define-tool.ts";
import { aggregate } from "./aggregate.ts";
import { delegate } from "./delegate.ts";
import { fanout } from "./fanout.ts";
import { health } from "./health.ts";
import { orchestrate } from "./orchestrate.ts";
import { runsCancel } from "./runs-cancel.ts";
import { runsGet } from "./runs-get.ts";
import { runsList } from "./runs-list.ts";
import { sessionsClose } from "./sessions-close.ts";
import { sessionsHistory } from "./sessions-history.ts";
import { sessionsList } from "./sessions-list.ts";
import { sessionsSend } from "./sessions-send.ts";
import { sessionsSpawn } from "./sessions-spawn.ts";

/** Every tool, in the order in which they are listed. */
export const TOOLS: readonly Tool[] = [
  health,
  delegate,
  fanout,
  aggregate,
  orchestrate,
  sessionsSpawn,
  sessionsSend,
  sessionsHistory,
  sessionsList,
  sessionsClose,
  runsGet,
  runsList,
  runsCancel,
];
