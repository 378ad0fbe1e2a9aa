import { Refusal } from './api.ts';
import { byId, el, show } from './dom.ts';
import type { Child } from './dom.ts';
import { command, outside } from './parts.ts';

interface Question {
  readonly title: string;
  readonly text: readonly Child[];
  /** Must be typed; `undefined`: nothing must. */
  readonly name?: string | undefined;
  /** Does the same in a terminal. */
  readonly command: string;
  /** Asks for how long. */
  readonly forSeconds?: boolean;
  readonly yes: string;
  readonly tone: 'plain' | 'bad';
  /** @param seconds as chosen; rejects with a {@link Refusal}, which is shown beside its field */
  readonly run: (seconds: number) => Promise<unknown>;
}

const TIMES: readonly (readonly [seconds: number, text: string])[] = [
  [60, '1 minute'],
  [300, '5 minutes'],
  [1_800, '30 minutes'],
  [3_600, '1 hour'],
  [21_600, '6 hours'],
  [86_400, '24 hours'],
];

const box = (): HTMLDialogElement => byId('dialog') as HTMLDialogElement;

function open(content: readonly Child[], onSubmit: () => Promise<void>): void {
  const dialog = box();
  const form = el('form', { method: 'dialog', novalidate: true }, content);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void onSubmit();
  });
  dialog.replaceChildren(form);
  for (const button of dialog.querySelectorAll<HTMLElement>('[data-close]')) button.onclick = () => dialog.close();
  if (!dialog.open) dialog.showModal();
  dialog.querySelector<HTMLElement>('input:not(.hidden)')?.focus();
}

const problemLine = (): HTMLElement => el('p', { class: 'problem', id: 'dialog-problem', role: 'alert' });
const tell = (text: string): void => show(byId('dialog-problem'), [text]);

const textOf = (error: unknown): string => {
  if (!(error instanceof Refusal)) return String(error);
  const [first] = error.errors;
  return first === undefined ? error.message : `${first.path}: expected ${first.expected}`;
};

/** Asks before something is changed, with the name typed. Resolves when it is done or given up; rejects where the session is over. */
export function confirm(question: Question): Promise<boolean> {
  const { title, text, name, command: same, forSeconds, yes, tone, run } = question;
  return new Promise((resolve, reject) => {
    let done = false;
    const typed = (): string => (document.getElementById('dialog-name') as HTMLInputElement | null)?.value ?? '';
    const send = async (): Promise<void> => {
      if (name !== undefined && typed().trim() !== name.trim()) return tell('That is not the name.');
      const seconds = Number((document.getElementById('dialog-for') as HTMLSelectElement | null)?.value ?? 0);
      const button = byId('dialog-yes') as HTMLButtonElement;
      button.disabled = true;
      try {
        await run(seconds);
        done = true;
        box().close();
      } catch (error) {
        if (error instanceof Refusal && error.code === 'session_expired') {
          reject(error);
          box().close();
        } else tell(textOf(error));
      } finally {
        button.disabled = false;
      }
    };
    box().onclose = () => resolve(done);
    open(
      [
        el('h2', { id: 'dialog-title' }, title),
        el('div', { class: 'says' }, text),
        forSeconds === true
          ? el('label', {}, [
              'For',
              el(
                'select',
                { id: 'dialog-for' },
                TIMES.map(([seconds, words]) => el('option', { value: seconds, selected: seconds === 300 }, words)),
              ),
            ])
          : null,
        name === undefined
          ? null
          : el('label', {}, [
              el('span', {}, ['Type ', el('code', {}, outside(name)), ' to confirm']),
              el('input', {
                id: 'dialog-name',
                autocomplete: 'off',
                spellcheck: 'false',
                'aria-describedby': 'dialog-problem',
              }),
            ]),
        problemLine(),
        el('p', { class: 'faint' }, ['The same in a terminal: ', command(same)]),
        el('div', { class: 'buttons' }, [
          el('button', { type: 'button', 'data-close': true }, 'Cancel'),
          el('button', { type: 'submit', id: 'dialog-yes', class: tone === 'bad' ? 'primary danger' : 'primary' }, yes),
        ]),
      ],
      send,
    );
  });
}

/** Asks for the token. Resolves with whether the person has signed in. */
export function signIn(why: string, send: (token: string) => Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    let done = false;
    box().onclose = () => resolve(done);
    open(
      [
        el('h2', { id: 'dialog-title' }, 'Sign in'),
        el('p', {}, why),
        el('input', {
          class: 'hidden',
          type: 'text',
          autocomplete: 'username',
          value: 'gateway',
          readonly: true,
          tabindex: -1,
          'aria-hidden': 'true',
        }),
        el('label', {}, [
          'Admin token',
          el('input', {
            id: 'dialog-token',
            type: 'password',
            autocomplete: 'current-password',
            spellcheck: 'false',
            'aria-describedby': 'dialog-problem',
          }),
        ]),
        el(
          'p',
          { class: 'faint' },
          'ADMIN_TOKEN of the gateway, or what the file in its STATE_DIR holds. The session lasts 12 hours.',
        ),
        problemLine(),
        el('div', { class: 'buttons' }, [
          el('button', { type: 'button', 'data-close': true }, 'Cancel'),
          el('button', { type: 'submit', id: 'dialog-yes', class: 'primary' }, 'Sign in'),
        ]),
      ],
      async () => {
        try {
          await send((byId('dialog-token') as HTMLInputElement).value.trim());
          done = true;
          box().close();
        } catch (error) {
          tell(textOf(error));
        }
      },
    );
  });
}

let hide: ReturnType<typeof setTimeout> | undefined;

/** Says in a corner what was done. */
export function toast(text: string): void {
  const into = byId('toast');
  into.textContent = text;
  into.classList.add('shown');
  clearTimeout(hide);
  hide = setTimeout(() => into.classList.remove('shown'), 4_000);
}
