import { showValue } from '../problems.ts';
import { CERTIFICATE_PARTS } from '../words.ts';
import type { YamlProblem } from '../yaml-problems.ts';
import { certificatePartOf } from './certificates.ts';
import type { CertificateYaml } from './certificates.ts';

/** Each by one part, and no two alike: nobody could say whose they are. */
export function checkCertificates(
  consumers: Readonly<Record<string, { readonly certificates?: readonly CertificateYaml[] | undefined }>>,
): readonly YamlProblem[] {
  const firsts = new Map<string, string>();
  return Object.entries(consumers).flatMap(([consumer, { certificates = [] }]) =>
    certificates.flatMap((certificate, index): readonly YamlProblem[] => {
      const path = ['consumers', consumer, 'certificates', index];
      const [part, ...more] = CERTIFICATE_PARTS.filter((each) => certificate[each] !== undefined);
      if (part === undefined) return [{ path, value: undefined, expected: `one of ${CERTIFICATE_PARTS.join(', ')}` }];
      const problems: YamlProblem[] = more.map((other) => ({
        path: [...path, other],
        value: undefined,
        expected: `only one of ${CERTIFICATE_PARTS.join(', ')}`,
        reason: `${part} is set too`,
      }));
      const text = JSON.stringify(certificatePartOf(certificate));
      const first = firsts.get(text);
      if (first === undefined) firsts.set(text, `consumers.${consumer}.certificates[${index}]`);
      else {
        const expected = `another certificate; ${first} has this one`;
        problems.push({ path: [...path, part], value: showValue(certificate[part]), expected });
      }
      return problems;
    }),
  );
}
