import os

from openai import OpenAI

# The unmodified client of OpenAI for Python: pip install openai
openai = OpenAI(
    base_url=os.environ.get("MODELCOMMONS_API", "http://127.0.0.1:4000") + "/v1",
    api_key=os.environ.get("MODELCOMMONS_API_KEY", "none"),
)
model = os.environ["MODEL"]
messages = [{"role": "user", "content": "The key of our cabin seems to be missing."}]

answer = openai.chat.completions.create(model=model, messages=messages, max_tokens=16, seed=1)
print("answer", answer.choices[0].message.content)
print("receipt", answer.receipt["id"])

stream = openai.chat.completions.create(model=model, messages=messages, max_tokens=16, seed=1, stream=True)
print("streamed", "".join(chunk.choices[0].delta.content or "" for chunk in stream))
