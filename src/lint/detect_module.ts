/**
 * Detects code that keeps a version from being pinned, anywhere in a workflow module.
 *
 * @module
 */

import type { Finding } from "./finding.ts";
import { child, keyName, literalText, type Node } from "./tree.ts";
import type { WorkflowModule } from "./workflow_module.ts";

/**
 * Looks for imports and uses of `import.meta` that can't be pinned. A module that exports nothing,
 * such as a test with a workflow of its own, has no version.
 *
 * @param module The module.
 * @returns What was found.
 */
export function detectInModule(module: WorkflowModule): Finding[] {
  if (!module.nodes.some(isExport)) return [];
  return module.nodes.flatMap((node) => {
    switch (node.type) {
      case "MetaProperty":
        return importMeta(node);
      case "ImportExpression":
        return [...computedImport(node), ...engineImport(node, module)];
      case "ImportDeclaration":
        return node["importKind"] === "type" ? [] : engineImport(node, module);
      case "ExportAllDeclaration":
      case "ExportNamedDeclaration":
        return node["exportKind"] === "type" ? [] : engineImport(node, module);
      default:
        return [];
    }
  });
}

function isExport({ type, exportKind }: Node): boolean {
  return /^Export(All|Default|Named)Declaration$/.test(type) && exportKind !== "type";
}

function importMeta(node: Node): Finding[] {
  if (child(node, "meta")?.["name"] !== "import") return [];
  const holder = node.parent!;
  const isMember = holder.type === "MemberExpression" && child(holder, "object") === node;
  const key = isMember ? keyName(holder) : undefined;
  if (key === "main") return [];
  return [{
    rule: "no-import-meta",
    range: isMember ? holder.range : node.range,
    message: `import.meta${
      key === undefined ? "" : `.${key}`
    } differs between nodes and between the sources that a version is loaded from`,
    hint: "Take the value from the run's input, or use it within an activity's module",
  }];
}

function computedImport(node: Node): Finding[] {
  if (literalText(child(node, "source")) !== undefined) return [];
  return [{
    rule: "no-computed-import",
    range: node.range,
    message: "A dynamic import of a computed specifier is not part of the version, and is refused",
    hint: "Write the specifier as a string; choose between several imports instead",
  }];
}

function engineImport(node: Node, { classify }: WorkflowModule): Finding[] {
  const specifier = literalText(child(node, "source"));
  if (specifier === undefined || classify(specifier) !== "engine") return [];
  return [{
    rule: "no-engine-import",
    range: child(node, "source")!.range,
    message:
      `A workflow module can have nothing of this package but ./workflow, found ${specifier}`,
    hint: "Import from ./workflow, or write `import type` if only types are meant",
  }];
}
