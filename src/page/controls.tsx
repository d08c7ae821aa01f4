/** Buttons and fields that all views use. */

import type { ComponentChildren } from 'preact';
import { useId, useState } from 'preact/hooks';
import type { Action } from './actions.ts';
import { perform, refuse } from './did.tsx';

/** The daemon was started so that nothing can be changed here. */
export const isReadOnly = document.documentElement.dataset['access'] === 'read-only';

interface ActProps {
  /** Undefined: what is typed does not do. @throws Error in one line, which is shown. */
  readonly make: () => Action | undefined;
  readonly children: ComponentChildren;
  /** Where the text of the button alone would not say what it is about. */
  readonly label?: string;
  readonly kind?: 'small' | 'danger' | 'danger big';
  readonly disabled?: boolean;
  readonly then?: (answer: unknown) => void;
}

/** A button that carries out an action. */
export function Act({ make, children, label, kind = 'small', disabled = false, then }: ActProps) {
  const [busy, setBusy] = useState(false);
  const act = async (): Promise<void> => {
    let action: Action | undefined;
    try {
      action = make();
    } catch (error) {
      return refuse(error instanceof Error ? error.message : String(error));
    }
    if (action === undefined) return;
    setBusy(true);
    const answer = await perform(action);
    setBusy(false);
    if (answer !== undefined) then?.(answer);
  };
  return (
    <button
      type="button"
      class={kind}
      aria-label={label}
      aria-busy={busy}
      disabled={disabled || isReadOnly}
      onClick={() => void act()}
    >
      {children}
    </button>
  );
}

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly hint?: string;
  readonly wide?: boolean;
  readonly onEnter?: () => void;
}

export function Field({ label, value, onInput, hint, wide = false, onEnter }: FieldProps) {
  const id = useId();
  return (
    <div class={wide ? 'field wide' : 'field'}>
      <label for={id}>{label}</label>
      <input
        id={id}
        value={value}
        placeholder={hint}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => onInput(event.currentTarget.value)}
        onKeyDown={(event) => event.key === 'Enter' && onEnter?.()}
      />
    </div>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  /** Value, and what is shown of it. */
  readonly options: readonly (readonly [string, string])[];
  readonly onInput: (value: string) => void;
}

export function Choice({ label, value, options, onInput }: ChoiceProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onInput={(event) => onInput(event.currentTarget.value)}>
        {options.map(([one, shown]) => (
          <option value={one} key={one}>
            {shown}
          </option>
        ))}
      </select>
    </div>
  );
}
