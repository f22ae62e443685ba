"""Definitions of the scores, in the words of the glossary."""

from collections.abc import Mapping

MEANINGS: Mapping[str, str] = {
    "exact": "share of coefficients whose decoded integer is right; the loop optimises it",
    "baseline_exact": "exact of the trivial answer: magnitude 1 everywhere, with the signs of the graph",
    "uninformed_exact": "exact of the best answer without data, from roles and the columns that the regime allows",
    "skill": "gain of exact over the trivial answer: 0 is trivial, 1 is perfect",
    "recall_2": "share of the coefficients of magnitude 2 that are recovered",
    "sign_accuracy": "share of coefficients with the right sign",
    "support_f1": "F1 of finding out which candidate edges are real",
    "r2": "R² of the real-valued coefficients against the true ones",
    "r2_aligned": "r2 after each column is scaled to the truth",
    "exact_reactions": "share of reactions whose coefficients are all right",
    "log_k_r2_aligned": "R² of the rate constants, up to one common factor",
    "substrate_func_r2_aligned": "R² of the learned substrate_func, up to an affine map",
    "rate_func_r2_aligned": "R² of the learned rate_func, up to the scales that data leave free",
    "test_r2": "R² of the predicted change on held-out trajectories",
    "test_pearson": "correlation of predicted and observed change on held-out trajectories",
    "degeneracy_gap": "test_pearson minus r2: large if predictions are good and S is wrong",
    "sure": "share of the coefficients with a runner-up that the data prefer to it, with a probability of at least 0.9",
    "sure_right": "share of the sure coefficients that are right",
    "blind_dcdt_error": "RMS error of dc/dt on held-out data, over its RMS",
    "blind_integer_distance": "mean distance of the coefficients from the decoded integers",
    "blind_mass_imbalance": "RMS sum of a column of S over its RMS length: 0 if mass is balanced",
    "blind": "score without the truth, from dc/dt error, distance to integers and mass balance",
    "support": "mean probability of the decoded integers, for rates that are any smooth function of their participants",
    "baseline_support": "support of the trivial answer: magnitude 1 everywhere, with the signs of the graph",
}
