#!/bin/sh
# Recomputes everything about artifact.json with sed, base64 and openssl alone: its id, its log entry,
# the root of the log, and the log's signature on it. Usage: sh recompute.sh [ARTIFACT [TRUST]]
set -eu
here=$(dirname "$0")
artifact=$(realpath "${1:-$here/artifact.json}")
trust=$(realpath "${2:-$here/trust.json}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# 1. The statement is the envelope's payload; its signature is the text of a proof.
sed -n 's/.*"payload":"\([^"]*\)".*/\1/p' "$artifact" | base64 -d > statement.json
sed -n 's/.*"sig":"\([^"]*\)".*/\1/p' "$artifact" | base64 -d > proof.txt

# 2. What is digested is the DSSE pre-authentication encoding of type and payload.
type=application/vnd.in-toto+json
{ printf 'DSSEv1 %d %s %d ' "${#type}" "$type" "$(wc -c < statement.json)"; cat statement.json; } > pae
echo "id sha3-512:$(openssl dgst -sha3-512 -r pae | cut -d' ' -f1)"

# 3. The log entry is three lines.
{
  echo 'writ.entry/v1 authorization'
  echo "sha3-512 $(openssl dgst -sha3-512 -binary pae | base64 -w0)"
  echo "blake2b-512 $(openssl dgst -blake2b512 -binary pae | base64 -w0)"
} > leaf

# 4. Its leaf hash, and the way up: this entry is number 6 of 7, so it hangs alone beside the pair (4, 5), and both of
#    them beside the four entries 0 to 3 (RFC 6962).
sed -n '2p' proof.txt
{ printf '\000'; cat leaf; } | openssl dgst -sha256 -binary > node
for line in 3 4; do
  { printf '\001'; sed -n "${line}p" proof.txt | base64 -d; cat node; } | openssl dgst -sha256 -binary > parent
  mv parent node
done
echo "root computed $(base64 -w0 < node)"

# 5. The checkpoint stands behind the empty line: origin, size, root, and the log's signature over these three lines.
sed -n '6,8p' proof.txt > checkpoint
echo "root signed   $(sed -n '3p' checkpoint)"
[ "$(base64 -w0 < node)" = "$(sed -n '3p' checkpoint)" ] || { echo 'the proof does not hold'; exit 1; }

# 6. The key is in the trust bundle: behind the second plus sign, one algorithm byte and 32 bytes.
sed -n 's/.*"vkey": *"[^+]*+[^+]*+\([^"]*\)".*/\1/p' "$trust" | base64 -d | tail -c 32 > raw-key
{ printf '\060\052\060\005\006\003\053\145\160\003\041\000'; cat raw-key; } > key.der
sed -n '10s/.* //p' proof.txt | base64 -d | tail -c 64 > signature
openssl pkeyutl -verify -pubin -keyform DER -inkey key.der -rawin -in checkpoint -sigfile signature
