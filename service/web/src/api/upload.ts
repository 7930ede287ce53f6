/** Sends a file and tells how far it is; `fetch` cannot say that. */

import { access, type Problem, readProblem } from "./client";

/** An upload under way. */
export interface Upload<T> {
  done: Promise<T>;
  /** Give it up; `done` then fails with an `AbortError`. */
  cancel(): void;
}

/** Send a form with a file in it.
 *
 * @param address Where it goes.
 * @param form Its fields.
 * @param onProgress Told the share that is sent, 0 to 1.
 */
export function upload<T>(
  address: string,
  form: FormData | Blob,
  onProgress: (share: number) => void,
  method: "POST" | "PUT" = "POST",
): Upload<T> {
  const request = new XMLHttpRequest();
  const done = new Promise<T>((resolve, reject: (reason: Problem | DOMException) => void) => {
    request.upload.onprogress = (progress) => {
      if (progress.lengthComputable) onProgress(progress.loaded / progress.total);
    };
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) {
        resolve(parse(request.responseText) as T);
        return;
      }
      const problem = readProblem(
        request.status,
        request.statusText,
        parse(request.responseText),
        request.getResponseHeader("Retry-After"),
      );
      if (problem.status === 401) access.onLost();
      reject(problem);
    };
    request.onerror = () => reject(readProblem(0, "", { code: "no_answer", detail: "the service does not answer" }, null));
    request.onabort = () => reject(new DOMException("given up", "AbortError"));
  });
  request.open(method, address);
  if (access.csrf !== null) request.setRequestHeader("X-CSRF-Token", access.csrf);
  request.send(form);
  return { done, cancel: () => request.abort() };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
