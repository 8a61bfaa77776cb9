/**
 * Compares the diagrams of `docs/states.md` with what a database does: a trigger notes every move
 * from one state to another.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { EmptyDatabase } from "./database.ts";
import { PROJECT } from "./project.ts";

/** One arrow: `from --> to`; `[*]` means that there is no row. */
export type Move = `${string} --> ${string}`;

/** The arrows of the diagrams under a heading of `docs/states.md`, in order of the alphabet. */
export async function drawnMoves(heading: string): Promise<Move[]> {
  const page = await Deno.readTextFile(new URL("docs/states.md", PROJECT));
  const section = page.split(`## ${heading}\n`)[1]!.split("\n## ")[0]!;
  const diagrams = [...section.matchAll(/```mermaid\nstateDiagram-v2\n([\s\S]*?)```/g)];
  return diagrams.flatMap(([, diagram]) => diagram!.trim().split("\n")).map((line): Move => {
    const [, from, to] = /^\s*(\S+) --> (\S+?)(?:: .+)?$/.exec(line) ?? assert.fail(line);
    return `${from!} --> ${to!}`;
  }).sort();
}

/** Notes the moves of a table's rows. */
export class MoveRecorder {
  readonly #db: EmptyDatabase;

  private constructor(db: EmptyDatabase) {
    this.#db = db;
  }

  /**
   * Puts a trigger on a table.
   *
   * @param db A migrated database.
   * @param table Has a column `state`.
   */
  static async on(db: EmptyDatabase, table: "runs" | "tasks" | "schedules"): Promise<MoveRecorder> {
    await db.query("create table {schema}.moves (move text primary key)");
    await db.query(
      `create function {schema}.note_move() returns trigger language plpgsql as $body$
       declare
         before text := case when tg_op = 'INSERT' then '[*]' else old.state end;
         after text := case when tg_op = 'DELETE' then '[*]' else new.state end;
       begin
         if before <> after and current_setting('test.is_cleared', true) is distinct from 'yes' then
           insert into {schema}.moves values (before || ' --> ' || after) on conflict do nothing;
         end if;
         return null;
       end $body$`,
    );
    await db.query(
      `create trigger note_move after insert or update or delete on {schema}.${table}
       for each row execute function {schema}.note_move()`,
    );
    return new MoveRecorder(db);
  }

  /** Deletes all rows of tables, and notes nothing of it; truncating them takes ten times as long. */
  async clear(tables: readonly string[]): Promise<void> {
    const deletions = tables.map((table) => `delete from {schema}.${table};`).join(" ");
    await this.#db.query(
      `do $$ begin perform set_config('test.is_cleared', 'yes', true); ${deletions} end $$`,
    );
  }

  /** What was noted so far, in order of the alphabet. */
  async moves(): Promise<Move[]> {
    const rows = await this.#db.query<{ move: Move }>("select move from {schema}.moves");
    return rows.map(({ move }) => move).sort();
  }
}
