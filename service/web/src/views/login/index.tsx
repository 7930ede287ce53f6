/** The one field that leads to everything else. */

import { useEffect, useRef, useState } from "preact/hooks";
import mark from "../../mark.svg";
import { Problem } from "../../api/client";
import { Button } from "../../parts/Button";
import { logIn } from "../../session";
import { useText } from "../../text";
import "./login.css";

/** The form; over what was on the screen where the login has expired. */
export function Login({ said }: { said: "" | "logged_out" | "expired" }) {
  const text = useText().login;
  const [token, setToken] = useState("");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const over = said === "expired";

  const submit = async (event: Event) => {
    event.preventDefault();
    if (!token.trim()) {
      setProblem(text.missing);
      field.current?.focus();
      return;
    }
    setBusy(true);
    setProblem("");
    try {
      await logIn(token.trim());
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setProblem(sentence(error, text));
      setBusy(false);
      field.current?.select();
    }
  };

  // The only thing above a dialog that may be open is another one.
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
    if (!over) document.title = "Sightline";
    field.current?.focus();
  }, []);

  const hint = { "": "", logged_out: text.loggedOut, expired: text.expired }[said];
  const form = (
      <form onSubmit={(event) => void submit(event)} autocomplete="off" noValidate aria-labelledby="login-title">
        <h1 id="login-title">
          <img class="mark" src={mark} alt="" />
          Sightline
        </h1>
        {hint && (
          <p class="said" role="status">
            {hint}
          </p>
        )}
        {!over && (
          <p class="quiet">
            {text.explanation} <code>sightline keys add</code>.
          </p>
        )}
        <div class="field">
          <label for="token">{text.token}</label>
          <input
            ref={field}
            id="token"
            type="password"
            autocomplete="current-password"
            spellcheck={false}
            autocapitalize="off"
            value={token}
            onInput={(event) => setToken(event.currentTarget.value)}
            aria-invalid={problem ? true : undefined}
            aria-describedby="login-problem"
          />
          <p id="login-problem" class="error" role="alert">
            {problem}
          </p>
        </div>
        <Button kind="first" type="submit" busy={busy}>
          {text.submit}
        </Button>
      </form>
  );
  if (!over) return <main class="login">{form}</main>;
  return (
    <dialog ref={dialog} class="login" aria-labelledby="login-title" onCancel={(event) => event.preventDefault()}>
      {form}
    </dialog>
  );
}

function sentence(problem: Problem, text: ReturnType<typeof useText>["login"]): string {
  if (problem.status === 0) return text.noAnswer;
  if (problem.status === 401) return text.unknown;
  if (problem.status === 429) return text.tooMany;
  return problem.detail;
}
