/**
 * `/queues` and `/nodes`: who executes what.
 *
 * @module
 */

import { listNodes, listQueues, type NodeLine, type QueueLine } from "../../operate/health.ts";
import { OPEN_WORKER } from "../first_steps.ts";
import { failureLine } from "../failure.ts";
import { type Content, type Html, html, NOTHING } from "../html.ts";
import { ago, empty, MOST_COUNTED, number, section, table } from "../parts/mod.ts";
import { definePage } from "../route.ts";
import type { View } from "../view.ts";

/** How many versions of a node are named at once. */
const MOST_NAMED = 6;

/** The queues. */
export const queues = definePage<{ readonly queues: readonly QueueLine[] }>({
  path: "/queues",
  rights: ["read"],
  everywhere: true,
  live: 10,
  load: async ({ client }) => ({ queues: await listQueues(client) }),
  page: ({ queues }, view) => ({
    title: "Queues",
    body: html`${queuesOf(queues, view)}${failingOf(queues, view)}`,
  }),
});

function queuesOf(queues: readonly QueueLine[], view: View): Html {
  if (queues.length === 0) {
    return empty(
      "No queue holds a task, and no node serves one",
      html`A worker serves the queues of its activities: ${OPEN_WORKER}`,
    );
  }
  return table("Queues of activities, by name", [
    { title: "Queue", head: true, cell: ({ name }) => name },
    { title: "Ready", number: true, cell: ({ ready }) => number(ready, MOST_COUNTED) },
    {
      title: "Of these, delayed",
      number: true,
      cell: ({ delayed }) => number(delayed, MOST_COUNTED),
    },
    { title: "Oldest", cell: ({ oldest }) => oldest === null ? "–" : ago(view, oldest) },
    { title: "Executing", number: true, cell: ({ executing }) => number(executing) },
    {
      title: "Nodes",
      wide: true,
      cell: ({ nodes }) => nodes.length === 0 ? unserved() : number(nodes.length),
    },
  ], queues);
}

function unserved(): Content {
  return html`<span class="chip bad">no node serves it</span>`;
}

function failingOf(queues: readonly QueueLine[], view: View): Html {
  const failing = queues.flatMap(({ name, failing }) =>
    failing.map((activity) => ({ ...activity, queue: name }))
  );
  if (failing.length === 0) return NOTHING;
  return section(
    "Failing, and tried again",
    table("Activities that failed more than three times and are tried again", [
      { title: "Activity", head: true, cell: ({ activity }) => activity },
      { title: "Queue", cell: ({ queue }) => queue },
      { title: "Tasks", number: true, cell: ({ tasks }) => number(tasks, MOST_COUNTED) },
      { title: "Attempts", number: true, cell: ({ attempts }) => number(attempts) },
      {
        title: "Last error",
        wide: true,
        cell: ({ lastError }) => failureLine(lastError, "its node died"),
      },
      { title: "Since", cell: ({ since }) => ago(view, since) },
      { title: "Next", cell: ({ nextTry }) => nextTry === null ? "under way" : ago(view, nextTry) },
    ], failing),
  );
}

/** What stands in place of an empty list of nodes. */
export function noNode(): Html {
  return empty("No node is alive", html`Runs wait until a worker opens: ${OPEN_WORKER}`);
}

/** The versions in a node's memory, the latest first: it may have loaded very many. */
function loadedOf(loaded: NodeLine["loaded"], view: View): Content {
  if (loaded === null) return "–";
  const latest = loaded.toReversed();
  const rest = versionsOf(latest.slice(MOST_NAMED), view);
  return latest.length <= MOST_NAMED ? versionsOf(latest, view) : html`
    ${versionsOf(latest.slice(0, MOST_NAMED), view)}<details><summary>and ${number(
      latest.length - MOST_NAMED,
      MOST_COUNTED,
    )} more</summary>${rest}</details>
  `;
}

function versionsOf(hashes: readonly string[], view: View): Content {
  if (hashes.length === 0) return "–";
  return hashes.map((hash) =>
    html`<a class="id" href="${view.to(["versions", hash])}">${hash.slice(0, 7)}</a>${" "}`
  );
}

/** The nodes. */
export const nodes = definePage<{ readonly nodes: readonly NodeLine[] }>({
  path: "/nodes",
  rights: ["read"],
  everywhere: true,
  live: 10,
  load: async ({ client }) => ({ nodes: await listNodes(client) }),
  page: ({ nodes }, view) => ({
    title: "Nodes",
    body: nodes.length === 0 ? noNode() : table("Nodes that are alive, the oldest first", [
      { title: "Node", head: true, cell: ({ name }) => name },
      { title: "Id", cell: ({ id }) => html`<code>${id}</code>` },
      { title: "Since", cell: ({ startedAt }) => ago(view, startedAt) },
      { title: "Lease ends", cell: ({ leasedUntil }) => ago(view, leasedUntil) },
      { title: "Queues", cell: ({ queues }) => queues?.join(", ") ?? "–" },
      {
        title: "Activities",
        wide: true,
        cell: ({ activities }) => activities?.join(", ") || "–",
      },
      {
        title: "Tasks",
        number: true,
        cell: ({ tasks, concurrency }) =>
          concurrency === null ? number(tasks) : `${number(tasks)} of ${number(concurrency)}`,
      },
      { title: "Has loaded", wide: true, cell: ({ loaded }) => loadedOf(loaded, view) },
      { title: "Can't load", cell: ({ cannotLoad }) => versionsOf(cannotLoad, view) },
    ], nodes),
  }),
});
