import os
from openai import OpenAI

client = OpenAI(
    api_key=os.getenv("DASHSCOPE_API_KEY"),  # If you have not configured environment variables, replace this with your API key
    # If you use a model in the China (Beijing) region, you need to replace the base_url with: https://dashscope.aliyuncs.com/compatible-mode/v1
    base_url="https://dashscope-intl.aliyuncs.com/compatible-mode/v1"  # base_url for Model Studio service
)

completion = client.embeddings.create(
    # If you use a model in the China (Beijing) region, you need to replace the model with: text-embedding-v4
    model="text-embedding-v3",
    input='The quality of the clothes is excellent, very beautiful. It was worth the long wait. I like it and will come back to buy here again.',
    dimensions=1024,# Specify the vector dimension
    encoding_format="float"
)

print(completion.model_dump_json())
