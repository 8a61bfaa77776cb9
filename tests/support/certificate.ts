/**
 * Certificates that sign themselves, where the machine has an `openssl`.
 *
 * @module
 */

/** Whether the machine can make certificates; a test without them says how to get it. */
export const hasOpenSsl: boolean = await new Deno.Command("openssl", { args: ["version"] })
  .output().then(({ success }) => success, () => {
    // deno-lint-ignore no-console -- who runs the tests has to know
    console.warn("Skipping tests over TLS: found no openssl; apt-get install openssl");
    return false;
  });

/** The files of a certificate. */
export interface Certificate {
  /** The certificate, which is its own authority. */
  readonly cert: string;
  /** Its key. */
  readonly key: string;
}

/**
 * Makes a certificate.
 *
 * @param folder Where its files go.
 * @param host The one name that it is for.
 */
export async function makeCertificate(folder: string, host: string): Promise<Certificate> {
  const files = { cert: `${folder}/${host}.crt`, key: `${folder}/${host}.key` };
  const { success, stderr } = await new Deno.Command("openssl", {
    args: [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
      ...["-days", "2", "-subj", `/CN=${host}`, "-addext", `subjectAltName=DNS:${host}`],
      ...["-keyout", files.key, "-out", files.cert],
    ],
  }).output();
  if (!success) throw new Error(`Cannot make a certificate: ${new TextDecoder().decode(stderr)}`);
  await Deno.chmod(files.key, 0o600);
  return files;
}
