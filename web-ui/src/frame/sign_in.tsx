// The sign-in form, in place of the table; order and filter stay in the address meanwhile.

import { useState } from "preact/hooks";
import { ApiProblem } from "../api/http";
import { signIn } from "../cluster/store";
import { strings } from "../strings";

/** What became of the last try. */
type Outcome = "none" | "sent" | "accepted" | ApiProblem;

function explain(outcome: Outcome, isStillOut: boolean): string | null {
  if (outcome === "accepted") return isStillOut ? strings.signInLost : null;
  if (!(outcome instanceof ApiProblem)) return null;
  if (outcome.code === "wrong_credentials") return strings.signInRefused;
  return strings.signInFailed(outcome.message);
}

export function SignIn({ problem }: { problem: ApiProblem }) {
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const [outcome, setOutcome] = useState<Outcome>("none");
  // The problem of the moment of the last try; another one since then is what came after it.
  const [sentAfter, setSentAfter] = useState<ApiProblem | null>(null);
  const error = explain(outcome, sentAfter !== problem);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (outcome === "sent") return;
    setOutcome("sent");
    setSentAfter(problem);
    try {
      await signIn(user, password);
      setOutcome("accepted");
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      setOutcome(error);
    }
  };
  return (
    <form class="panel sign-in" aria-labelledby="sign-in-title" onSubmit={submit}>
      <h2 id="sign-in-title">{strings.signInTitle}</h2>
      <p>{strings.signInText}</p>
      <label for="user">{strings.user}</label>
      <input
        id="user"
        autocomplete="username"
        required
        value={user}
        onInput={(event) => setUser(event.currentTarget.value)}
      />
      <label for="password">{strings.password}</label>
      <input
        id="password"
        type="password"
        autocomplete="current-password"
        required
        value={password}
        aria-invalid={error !== null}
        aria-describedby="sign-in-error"
        onInput={(event) => setPassword(event.currentTarget.value)}
      />
      <p id="sign-in-error" class="error" role="alert">
        {error}
      </p>
      <button type="submit" class="primary">
        {strings.signIn}
      </button>
    </form>
  );
}
