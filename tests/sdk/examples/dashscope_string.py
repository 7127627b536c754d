import dashscope
from http import HTTPStatus

# If you use a model in the China (Beijing) region, you need to replace the base_url with: https://dashscope.aliyuncs.com/api/v1
dashscope.base_http_api_url = 'https://dashscope-intl.aliyuncs.com/api/v1'

resp = dashscope.TextEmbedding.call(
    # If you use a model in the China (Beijing) region, you need to replace the model with: text_embedding_v4
    model=dashscope.TextEmbedding.Models.text_embedding_v3,
    input='The quality of the clothes is excellent, very beautiful. It was worth the long wait. I like it and will come back to buy here again.',
    dimension=1024,# Specify the vector dimension
    output_type="dense&sparse"
)

print(resp) if resp.status_code == HTTPStatus.OK else print(resp)
