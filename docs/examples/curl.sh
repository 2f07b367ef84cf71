#!/bin/sh
# Any HTTP client. -N shows a stream as it comes.
set -eu
api=${MODELCOMMONS_API:-http://127.0.0.1:4000}
# With a key, its account pays; where the API is open, CONSUMER does, within what it has granted (modelcommons credit grant).
ask() {
  curl -sSN --fail-with-body "$api/v1/chat/completions" \
    -H "authorization: Bearer ${MODELCOMMONS_API_KEY:-none-none}" ${CONSUMER:+-H "x-consumer: $CONSUMER"} -H 'content-type: application/json' -d "$1"
}
ask "{\"model\": \"$MODEL\", \"max_tokens\": 16, \"messages\": [{\"role\": \"user\", \"content\": \"The key of our cabin seems to be missing.\"}]}"
echo
ask "{\"model\": \"$MODEL\", \"max_tokens\": 16, \"stream\": true, \"messages\": [{\"role\": \"user\", \"content\": \"The key of our cabin seems to be missing.\"}]}"
