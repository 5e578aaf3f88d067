// One operation: a line with method, path and summary; opened, all that the document says of it.

import type { ComponentChildren } from "preact";
import { fields, text } from "../api/model";
import { Command } from "../form/as_curl";
import { byCurl } from "../form/curl";
import { breakable } from "../table/cells";
import type { Answer, Media, Operation, Parameter, Reference } from "./document";
import { Fold } from "./fold";
import { Paragraphs, prose } from "./prose";
import { exampleOf, hasParts, limitsOf, partsOf, typeName, type Resolve } from "./schema";
import { strings } from "./strings";

interface LineProps {
  name: string;
  schema: unknown;
  resolve: Resolve;
  isRequired?: boolean;
  note?: string | null;
}

/** A name with its type and its limits; opened, what it is made of. */
function Line({ name, schema, resolve, isRequired = false, note }: LineProps) {
  const raw = fields(schema);
  const told = note ?? text(raw["description"]) ?? text(resolve(schema)["description"]);
  const limits = limitsOf(schema);
  const head = (
    <>
      {name && <code>{breakable(name)}</code>}{" "}
      <span class="type">{typeName(schema) || strings.anything}</span>{" "}
      {isRequired && <span class="tag">{strings.required}</span>}{" "}
      {limits && <span class="limits">{limits}</span>}
    </>
  );
  return (
    <li>
      {hasParts(schema, resolve) ? (
        <Fold class="schema" summary={head}>
          {() => <Parts schema={schema} resolve={resolve} />}
        </Fold>
      ) : (
        <p>{head}</p>
      )}
      {told && <p class="note">{prose(told)}</p>}
    </li>
  );
}

function Parts({ schema, resolve }: { schema: unknown; resolve: Resolve }) {
  return (
    <ul class="lines">
      {partsOf(schema, resolve, strings.otherFields).map(({ name, isRequired, schema }, index) => (
        <Line key={index} name={name} schema={schema} resolve={resolve} isRequired={isRequired} />
      ))}
    </ul>
  );
}

function MediaLines({ media, resolve }: { media: readonly Media[]; resolve: Resolve }) {
  return (
    <ul class="lines">
      {media.map(({ type, schema }) => (
        <Line key={type} name={type} schema={schema} resolve={resolve} />
      ))}
    </ul>
  );
}

function ParameterLines({ parameters, resolve }: { parameters: Parameter[]; resolve: Resolve }) {
  return (
    <ul class="lines">
      {parameters.map(({ name, place, isRequired, schema, description }) => (
        <Line
          key={`${place} ${name}`}
          name={name}
          schema={schema}
          resolve={resolve}
          isRequired={isRequired}
          note={[strings.places[place] ?? place, description].filter(Boolean).join(". ")}
        />
      ))}
    </ul>
  );
}

function AnswerLine({ answer, resolve }: { answer: Answer; resolve: Resolve }) {
  const { status, description, media, headers } = answer;
  return (
    <li>
      <p>
        <code>{status}</code> {description && prose(description)}
      </p>
      {headers.length > 0 && <ParameterLines parameters={headers} resolve={resolve} />}
      {media.length > 0 && <MediaLines media={media} resolve={resolve} />}
    </li>
  );
}

function Block({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <>
      <h3>{title}</h3>
      {children}
    </>
  );
}

/** The operation with its demanded parameters in capitals, and a body that is to be filled in. */
function commandFor(operation: Operation, { resolve }: Reference): string {
  const { method, path, server, parameters, body } = operation;
  const demanded = parameters.filter(({ place, isRequired }) => place === "query" && isRequired);
  const query = demanded.map(({ name }) => `${encodeURIComponent(name)}=${name.toUpperCase()}`);
  const filled = path.replaceAll(/\{([^}]*)\}/g, (_, name: string) => name.toUpperCase());
  const asked = `${server}${filled}${query.length > 0 ? "?" : ""}${query.join("&")}`;
  // Relative to the page, which may be below a path of a proxy; a whole URL stays what it is.
  const target = asked.startsWith("/") ? `.${asked}` : asked;
  const url = URL.canParse(target, document.baseURI)
    ? new URL(target, document.baseURI).href
    : asked;
  const media = body?.media.find(({ type }) => type === "application/json") ?? body?.media[0];
  if (!media) return byCurl(method, url);
  const example = media.example ?? exampleOf(media.schema, resolve);
  const sent = typeof example === "string" ? example : JSON.stringify(example);
  const type = media.type === "application/json" ? [] : ["-H", `Content-Type: ${media.type}`];
  return byCurl(method, url, [...type, "-d", sent]);
}

function Details({ operation, reference }: { operation: Operation; reference: Reference }) {
  const { summary, description, parameters, body, answers } = operation;
  const { resolve } = reference;
  return (
    <div class="inside">
      {description && description !== summary && <Paragraphs text={description} />}
      {parameters.length > 0 && (
        <Block title={strings.parameters}>
          <ParameterLines parameters={parameters} resolve={resolve} />
        </Block>
      )}
      {body && (
        <Block title={strings.body}>
          {body.description && <p class="note">{prose(body.description)}</p>}
          <MediaLines media={body.media} resolve={resolve} />
        </Block>
      )}
      {answers.length > 0 && (
        <Block title={strings.answers}>
          <ul class="lines answers">
            {answers.map((answer) => (
              <AnswerLine key={answer.status} answer={answer} resolve={resolve} />
            ))}
          </ul>
        </Block>
      )}
      <Command command={commandFor(operation, reference)} />
    </div>
  );
}

interface OperationProps {
  operation: Operation;
  reference: Reference;
}

export function OperationFold({ operation, reference }: OperationProps) {
  const { method, path, summary, isDeprecated } = operation;
  return (
    <Fold
      class="operation"
      summary={
        <>
          <b class={`method ${method.toLowerCase()}`}>{method}</b>{" "}
          <code class="path">{breakable(path)}</code>{" "}
          {summary && <span class="summary-text">{summary} </span>}
          {isDeprecated && <span class="tag caution">{strings.deprecated}</span>}
        </>
      }
    >
      {() => <Details operation={operation} reference={reference} />}
    </Fold>
  );
}
