import dashscope
from http import HTTPStatus

# If you use a model in the China (Beijing) region, you need to replace the base_url with: https://dashscope.aliyuncs.com/api/v1
dashscope.base_http_api_url = 'https://dashscope-intl.aliyuncs.com/api/v1'

DASHSCOPE_MAX_BATCH_SIZE = 25

inputs = ['The wind is swift, the sky is high, the apes shriek mournfully', 'The islet is clear, the sand is white, the birds fly back', 'The boundless forest sheds its leaves shower by shower', 'The endless river rolls its waves hour after hour']

result = None
batch_counter = 0
for i in range(0, len(inputs), DASHSCOPE_MAX_BATCH_SIZE):
    batch = inputs[i:i + DASHSCOPE_MAX_BATCH_SIZE]
    resp = dashscope.TextEmbedding.call(
        # If you use a model in the China (Beijing) region, you need to replace the model with: text_embedding_v4
        model=dashscope.TextEmbedding.Models.text_embedding_v3,
        input=batch,
        dimension=1024 # Specify the vector dimension
    )
    if resp.status_code == HTTPStatus.OK:
        if result is None:
            result = resp
        else:
            for emb in resp.output['embeddings']:
                emb['text_index'] += batch_counter
                result.output['embeddings'].append(emb)
            result.usage['total_tokens'] += resp.usage['total_tokens']
    else:
        print(resp)
    batch_counter += len(batch)

print(result)
