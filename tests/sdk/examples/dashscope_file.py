from http import HTTPStatus
import dashscope
from dashscope import TextEmbedding

# If you use a model in the China (Beijing) region, you need to replace the base_url with: https://dashscope.aliyuncs.com/api/v1
dashscope.base_http_api_url = 'https://dashscope-intl.aliyuncs.com/api/v1'

with open('texts_to_embedding.txt', 'r', encoding='utf-8') as f:
    resp = TextEmbedding.call(
        # If you use a model in the China (Beijing) region, you need to replace the model with: text_embedding_v4
        model=TextEmbedding.Models.text_embedding_v3,
        input=f
    )
    if resp.status_code == HTTPStatus.OK:
        print(resp)
    else:
        print(resp)
