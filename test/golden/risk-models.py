"""
Writes risk-models.json: what scikit-learn and river make of a seeded synthetic set, and of uci-credit-default.

    python3 -m venv ~/.cache/aftercare/golden
    ~/.cache/aftercare/golden/bin/pip install scikit-learn==1.9.1 numpy==2.4.6 river==0.26.1
    node dist/test/golden/credit-matrix.js /tmp/plain.bin /tmp/derived.bin
    ~/.cache/aftercare/golden/bin/python test/golden/risk-models.py /tmp/plain.bin /tmp/derived.bin > test/golden/risk-models.json

Without the two files the block "credit" is taken over from the file as it is. The rows of the data set are not written.
"""
import json, pathlib, sys
import numpy as np, sklearn, river
from river import linear_model, optim, preprocessing
from sklearn.calibration import _sigmoid_calibration, calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

TRAIN = 300

def synthetic():
    """400 rows, 4 features on scales from 0.01 to 1,000, one of them squared and one without use; a fifth of the rows positive."""
    r = np.random.default_rng(20)
    z = r.normal(size=(400, 4))
    z[:, 1] = .6 * z[:, 0] + .8 * z[:, 1]
    logit = 2 * z[:, 0] - 1.2 * z[:, 1] + .7 * (z[:, 2] ** 2 - 1) - 1.6
    y = (r.random(400) < 1 / (1 + np.exp(-logit))).astype(int)
    X = z * [1000, 1, .01, 5] + [4000, 0, .02, -3]
    return np.round(X, 6), y

def logistic(X, y, Z, **options):
    m = LogisticRegression(solver='lbfgs', tol=1e-10, max_iter=10000, **options).fit(X, y)
    return {'coef': m.coef_[0].tolist(), 'intercept': m.intercept_[0], 'decision': m.decision_function(Z).tolist()}

def svc(X, y, Z, **options):
    m = SVC(tol=1e-6, **options).fit(X, y)
    # scikit-learn fits its own 5 folds to other rows than ours; what must agree is the sigmoid for given scores.
    train = m.decision_function(X)
    a, b = _sigmoid_calibration(train, y)
    p = 1 / (1 + np.exp(a * m.decision_function(Z) + b))
    return {'supports': int(m.n_support_.sum()), 'iterations': int(m.n_iter_[0]), 'decision': m.decision_function(Z).tolist(), 'train': train.tolist(),
            'platt': {'a': -a, 'b': -b}, 'probability': p.tolist()}

def metrics(s, p, y):
    truth, predicted = calibration_curve(y, p, n_bins=5, strategy='uniform')
    return {'scores': s.tolist(), 'probabilities': p.tolist(), 'auc': roc_auc_score(y, s), 'averagePrecision': average_precision_score(y, s),
            'logLoss': log_loss(y, p), 'brier': brier_score_loss(y, p), 'observed': truth.tolist(), 'predicted': predicted.tolist()}

def stream(X, y):
    """Predict, then learn: the order of river.evaluate.progressive_val_score."""
    m = preprocessing.StandardScaler() | linear_model.LogisticRegression(optim.SGD(.01))
    out = []
    for row, label in zip(X, y):
        x = dict(enumerate(row.tolist()))
        out.append(m.predict_proba_one(x).get(True, .5))
        m.learn_one(x, bool(label))
    weights = m['LogisticRegression'].weights
    return {'probabilities': out, 'weights': [weights[j] for j in range(X.shape[1])], 'intercept': m['LogisticRegression'].intercept}

def matrix(path):
    raw = np.fromfile(path, dtype='<f8')
    n, d = int(raw[0]), int(raw[1])
    return raw[2:2 + n * d].reshape(n, d), raw[2 + n * d:].astype(int)

def credit(path):
    """The last fifth of the file held out; the SVM is trained on the 5,000 rows before it."""
    X, y = matrix(path)
    cut = len(y) * 4 // 5
    s = StandardScaler().fit(X[:cut])
    X = s.transform(X)
    c = .001
    m = LogisticRegression(C=c, tol=1e-8, max_iter=5000).fit(X[:cut], y[:cut])
    kernel = {'C': .1, 'gamma': .001}
    v = SVC(class_weight='balanced', **kernel).fit(X[cut - 5000:cut], y[cut - 5000:cut])
    auc = lambda model: roc_auc_score(y[cut:], model.decision_function(X[cut:]))
    return {'features': X.shape[1], 'logistic': {'C': c, 'auc': auc(m)}, 'svm': {**kernel, 'auc': auc(v)}}

def main():
    X, y = synthetic()
    s = StandardScaler().fit(X[:TRAIN])
    A, Z, b = s.transform(X[:TRAIN]), s.transform(X[TRAIN:]), y[:TRAIN]
    first = logistic(A, b, Z, C=1.0)
    coarse = np.round(np.array(first['decision']), 1)  # with ties
    out = {
        'versions': {'sklearn': sklearn.__version__, 'river': river.__version__},
        'X': X.tolist(), 'y': y.tolist(), 'train': TRAIN,
        'scaler': {'mean': s.mean_.tolist(), 'sd': s.scale_.tolist()},
        'logistic': [{'C': 1.0, 'balanced': False, **first}, {'C': .05, 'balanced': True, **logistic(A, b, Z, C=.05, class_weight='balanced')}],
        'svc': [
            {'kernel': 'linear', 'C': 1.0, 'balanced': False, **svc(A, b, Z, C=1.0, kernel='linear')},
            {'kernel': 'rbf', 'C': 1.0, 'balanced': False, 'gamma': SVC().fit(A, b)._gamma, **svc(A, b, Z, C=1.0)},
            {'kernel': 'rbf', 'C': .5, 'balanced': True, 'gamma': .5, **svc(A, b, Z, C=.5, gamma=.5, class_weight='balanced')},
        ],
        'metrics': metrics(coarse, 1 / (1 + np.exp(-coarse)), y[TRAIN:]),
        'stream': stream(X, y),
    }
    if len(sys.argv) == 3:
        out['credit'] = {'plain': credit(sys.argv[1]), 'derived': credit(sys.argv[2])}
    else:
        out['credit'] = json.loads(pathlib.Path(__file__).with_suffix('.json').read_text())['credit']
    json.dump(out, sys.stdout, separators=(',', ':'))
    print()

main()
