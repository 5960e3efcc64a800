import { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from '@hpke/core'

// A Viewer holds the key pair of one question to the nodes. The private key
// stays in this page; what nodes answer is sealed to the public one, so the
// cloud relays text that it cannot read.
const suite = new CipherSuite({ kem: new DhkemP256HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() })

// The encapsulated key of P-256 in front of the ciphertext, uncompressed.
const encLength = 65

export async function newViewer() {
  const pair = await suite.kem.generateKeyPair()
  const publicKey = new Uint8Array(await suite.kem.serializePublicKey(pair.publicKey))
  return {
    publicKey: base64(publicKey),
    async open(ask: string, sealed: Uint8Array): Promise<Uint8Array> {
      const info = new TextEncoder().encode('gabion ask v1\0' + ask)
      const recipient = await suite.createRecipientContext({
        recipientKey: pair.privateKey,
        enc: sealed.slice(0, encLength).buffer,
        info: info.buffer,
      })
      return new Uint8Array(await recipient.open(sealed.slice(encLength).buffer))
    },
  }
}

export function base64(b: Uint8Array): string {
  return btoa(String.fromCharCode(...b))
}

export function bytes(s: string): Uint8Array {
  return Uint8Array.from(atob(s), (c) => c.charCodeAt(0))
}
