// API: what the node's OpenAPI document says, by operation. Opened parts are drawn when they are
// opened, so neither a long document nor a schema that holds itself is drawn whole.

import { useMemo } from "preact/hooks";
import { addressOf, type Reply } from "../api/http";
import { Loaded } from "../form/loaded";
import { Gate } from "../frame/gate";
import { Title } from "../frame/notices";
import { route, setParams } from "../router";
import "../styles/reference.css";
import { NoMatch } from "../table/table";
import { FilterBox } from "../table/toolbar";
import { filtered, readReference, type Group, type Reference } from "./document";
import { Fold } from "./fold";
import { OperationFold } from "./operation";
import { Paragraphs } from "./prose";
import { strings } from "./strings";

const PATH = "openapi.json";

function GroupSection({ group, reference }: { group: Group; reference: Reference }) {
  const id = `tag-${group.tag}`;
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>{group.tag || strings.untagged}</h2>
      {group.description && <p class="note">{group.description}</p>}
      {group.operations.map((operation) => (
        <OperationFold key={operation.key} operation={operation} reference={reference} />
      ))}
    </section>
  );
}

function Content({ reply }: { reply: Reply }) {
  const reference = useMemo(() => readReference(reply.value), [reply]);
  const query = route.value.params.get("q") ?? "";
  const groups = useMemo(() => filtered(reference.groups, query), [reference, query]);
  const shown = groups.reduce((sum, { operations }) => sum + operations.length, 0);
  const { title, version, format, description, server, count } = reference;
  return (
    <div class="reference">
      <p class="note">
        {[title, version, format && `OpenAPI ${format}`].filter(Boolean).join(", ")}.{" "}
        {server && (
          <>
            {strings.base} <code>{server}</code>.{" "}
          </>
        )}
        <a href={addressOf(PATH)}>{strings.raw}</a>
      </p>
      {description && (
        <Fold class="manners" summary={strings.manners}>
          {() => <Paragraphs text={description} />}
        </Fold>
      )}
      <div class="toolbar">
        <FilterBox query={query} hint={strings.hint} />
        <p class="note" role="status">
          {strings.count(shown, count)}
        </p>
      </div>
      {count === 0 && <p class="none">{strings.none}</p>}
      {count > 0 && shown === 0 && (
        <NoMatch text={strings.noMatch(query)} onClear={() => setParams({ q: "" })} />
      )}
      {groups.map((group) => (
        <GroupSection key={group.tag} group={group} reference={reference} />
      ))}
    </div>
  );
}

export function ReferencePage() {
  return (
    <>
      <Title text={strings.title} liveMs={null} />
      <Gate>
        <Loaded path={PATH} lack={strings.lack}>
          {(reply) => <Content reply={reply} />}
        </Loaded>
      </Gate>
    </>
  );
}
