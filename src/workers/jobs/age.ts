import { Readable } from 'node:stream';
import { Decrypter, Encrypter } from 'age-encryption';

/** Node's streams as age-encryption takes and gives them: their types are those of browsers. */
const toWeb = (source: AsyncIterable<Buffer>): globalThis.ReadableStream<Uint8Array> =>
  Readable.toWeb(Readable.from(source));

async function* fromWeb(stream: globalThis.ReadableStream<Uint8Array>): AsyncGenerator<Buffer> {
  for await (const chunk of stream) yield Buffer.from(chunk);
}

/** Encrypts as the `age` program does, for all of these recipients. */
export const encryptFor = (recipients: readonly string[]) =>
  async function* encrypt(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const encrypter = new Encrypter();
    for (const recipient of recipients) encrypter.addRecipient(recipient);
    yield* fromWeb(await encrypter.encrypt(toWeb(source)));
  };

/** Opens what was encrypted for one of these identities; throws at the first piece that is not what was written. */
export const decryptWith = (identities: readonly string[]) =>
  async function* decrypt(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const decrypter = new Decrypter();
    for (const identity of identities) decrypter.addIdentity(identity);
    yield* fromWeb(await decrypter.decrypt(toWeb(source)));
  };
