// The sign-in form, in place of the table; order and filter stay in the address meanwhile.

import { useState } from "preact/hooks";
import type { ApiProblem } from "../api/http";
import { signIn } from "../cluster/store";
import { strings } from "../strings";

export function SignIn({ problem }: { problem: ApiProblem }) {
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  // The problem of the attempt that was sent last; another one since then is its refusal.
  const [sentAfter, setSentAfter] = useState<ApiProblem | null>(null);
  const isRefused = sentAfter !== null && sentAfter !== problem;
  const submit = (event: Event): void => {
    event.preventDefault();
    setSentAfter(problem);
    signIn(user, password);
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
        aria-invalid={isRefused}
        aria-describedby="sign-in-error"
        onInput={(event) => setPassword(event.currentTarget.value)}
      />
      <p id="sign-in-error" class="error" role="alert">
        {isRefused && strings.signInRefused}
      </p>
      <button type="submit" class="primary">
        {strings.signIn}
      </button>
    </form>
  );
}
