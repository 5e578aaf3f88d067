// A page that holds one form, of a new thing or of one that is there.

import type { ComponentChild } from "preact";
import { isReadOnly, type Reply } from "../api/http";
import { Back } from "../frame/back";
import { Gate } from "../frame/gate";
import { Title } from "../frame/notices";
import { strings } from "../strings";
import { Loaded } from "./loaded";

const NEW: Reply = { value: null, etag: null };

interface EditPageProps {
  title: string;
  /** Where the thing is; null: nowhere yet. */
  path: string | null;
  up: { href: string; text: string };
  children: (reply: Reply) => ComponentChild;
}

/** There is nothing to look at in the form of a new thing. */
const blank = (children: EditPageProps["children"]): ComponentChild =>
  isReadOnly.value ? <p class="note">{strings.readsOnly}</p> : children(NEW);

export function EditPage({ title, path, up, children }: EditPageProps) {
  return (
    <>
      <Back href={up.href}>{up.text}</Back>
      <Title text={title} liveMs={null} />
      <Gate>{path === null ? blank(children) : <Loaded path={path}>{children}</Loaded>}</Gate>
    </>
  );
}
