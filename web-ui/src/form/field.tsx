// One field of a form: label, input, help, and what is wrong with it.

import { isReadOnly } from "../api/http";
import { strings } from "../strings";

/** Stands in the empty field of a secret that is set. */
export const keptText = (): string => (isReadOnly.value ? strings.isSet : strings.keyIsSet);

interface FieldProps {
  /** Of the input; its help and error are named after it. */
  id: string;
  label: string;
  value: string;
  help?: string;
  error?: string | undefined;
  /** What holds while it is empty. */
  placeholder?: string | undefined;
  /** A secret is typed blindly, and no browser offers to fill it in. */
  isSecret?: boolean;
  onText: (text: string) => void;
}

const PLAIN = { type: "text", autocomplete: "off" } as const;
const SECRET = { type: "password", autocomplete: "new-password" } as const;

export function Field(props: FieldProps) {
  const { id, label, value, help, error, placeholder, isSecret, onText } = props;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        {...(isSecret ? SECRET : PLAIN)}
        spellcheck={false}
        readOnly={isReadOnly.value}
        value={value}
        placeholder={placeholder}
        aria-invalid={error !== undefined}
        aria-describedby={`${id}-error ${id}-help`}
        onInput={(event) => onText(event.currentTarget.value)}
      />
      <p id={`${id}-error`} class="error">
        {error}
      </p>
      <p id={`${id}-help`} class="note">
        {help}
      </p>
    </div>
  );
}
