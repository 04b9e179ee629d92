"""
Writes text-models.json: what scikit-learn makes of some sentences: TF-IDF of words and of letters, and a multinomial logistic regression.

    python3 -m venv ~/.cache/aftercare/golden
    ~/.cache/aftercare/golden/bin/pip install scikit-learn==1.9.1 numpy==2.4.6
    ~/.cache/aftercare/golden/bin/python test/golden/text-models.py > test/golden/text-models.json
"""
import json, numpy as np, sklearn
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

TEXTS = {
    'refund': ['where is my refund', 'i want my money back', 'refund order 17 please', 'the refund has not arrived', 'money back for order 17', 'how long does a refund take', '退款 什么 时候 到账', '我 要 退款'],
    'delivery': ['where is my parcel', 'the parcel has not arrived', 'when will order 17 arrive', 'track my parcel please', 'has my order shipped', 'parcel parcel where is the parcel', '快递 什么 时候 到', '我 的 快递 在 哪里'],
    'invoice': ['send me an invoice', 'i need the invoice of order 17', 'the invoice has the wrong name', 'invoice please', 'how do i get an invoice', 'wrong vat on my invoice', '发票 什么 时候 开', '我 要 发票'],
}
ASKED = ['where is the invoice', 'my parcel my parcel', 'refnud', '我 的 发票', 'nothing known']

texts = [text for group in TEXTS.values() for text in group]
labels = [i for i, group in enumerate(TEXTS.values()) for _ in group]

def rows(matrix, names):
    """Each row as {term: weight}."""
    return [{names[j]: float(matrix[i, j]) for j in sorted(matrix[i].indices)} for i in range(matrix.shape[0])]

words = TfidfVectorizer(token_pattern=r'\S+', lowercase=False, ngram_range=(1, 2), min_df=2, sublinear_tf=True)
letters = TfidfVectorizer(analyzer='char_wb', lowercase=False, ngram_range=(2, 4), min_df=2)
fitted = [vectorizer.fit_transform(texts) for vectorizer in (words, letters)]
asked = [vectorizer.transform(ASKED) for vectorizer in (words, letters)]

X = np.hstack([matrix.toarray() for matrix in fitted])
Z = np.hstack([matrix.toarray() for matrix in asked])
weights = 0.5 + np.arange(len(texts)) / len(texts)
out = {
    'sklearn': sklearn.__version__, 'texts': texts, 'labels': labels, 'asked': ASKED,
    'words': {'fitted': rows(fitted[0].tocsr(), words.get_feature_names_out()), 'asked': rows(asked[0].tocsr(), words.get_feature_names_out())},
    'letters': {'fitted': rows(fitted[1].tocsr(), letters.get_feature_names_out()), 'asked': rows(asked[1].tocsr(), letters.get_feature_names_out())},
    'softmax': {},
}
for name, C, sample in (('plain', 10, None), ('strong', 0.5, None), ('weighted', 10, weights)):
    model = LogisticRegression(C=C, tol=1e-12, max_iter=100000).fit(X, labels, sample_weight=sample)
    p = model.predict_proba(X)
    w = np.ones(len(texts)) if sample is None else sample
    loss = float(-(w * np.log(p[np.arange(len(texts)), labels])).sum() + (model.coef_ ** 2).sum() / (2 * C))
    out['softmax'][name] = {'C': C, 'loss': loss, 'fitted': p.tolist(), 'asked': model.predict_proba(Z).tolist()}
print(json.dumps(out, ensure_ascii=False, separators=(',', ':')))
