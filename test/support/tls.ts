/** A certificate for 127.0.0.1 that nobody trusts by itself, valid until 2120, and its key. They protect nothing. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBbTCCAROgAwIBAgIBATAKBggqhkjOPQQDAjAXMRUwEwYDVQQDDAxmYWtlLWJh
Y2tlbmQwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBcxFTATBgNV
BAMMDGZha2UtYmFja2VuZDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABJ1WqXwH
xaav/N6bq/ksnQP+3fbUfl2B78m1R5M9dJvFgexsUJ6VHiQhlCSvOegKGgD4BiAu
i8w3lYwh1CxjqPmjTjBMMBoGA1UdEQQTMBGHBH8AAAGCCWxvY2FsaG9zdDAPBgNV
HRMBAf8EBTADAQH/MB0GA1UdDgQWBBREgEk1yXYu2NTvrMNDG4hFafg5WTAKBggq
hkjOPQQDAgNIADBFAiEAqI8IH+K6PEXHftw0klkFX50oB9VExfUeK4IDDqjvCTkC
IE/FZdB2qseEX4gvi/3fB3vE+niBc/uvs0frMlnulc7/
-----END CERTIFICATE-----
`;

export const CERTIFICATE_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg7Fw6/RXN+4NIpnQH
04ITPu8HM2rczv28VFarh1oQfdKhRANCAASdVql8B8Wmr/zem6v5LJ0D/t321H5d
ge/JtUeTPXSbxYHsbFCelR4kIZQkrznoChoA+AYgLovMN5WMIdQsY6j5
-----END PRIVATE KEY-----
`;

export interface PemFiles extends AsyncDisposable {
  readonly certFile: string;
  readonly keyFile: string;
}

/** The two as files, in a folder that goes with them. */
export async function writePemFiles(): Promise<PemFiles> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-tls-'));
  const certFile = join(folder, 'cert.pem');
  const keyFile = join(folder, 'key.pem');
  await writeFile(certFile, CERTIFICATE);
  await writeFile(keyFile, CERTIFICATE_KEY);
  return { certFile, keyFile, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}
