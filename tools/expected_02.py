"""python lab02_expected.py build/results.json > tests/expected/02.json; what is too lax or does not hold goes to stderr."""
import json, sys
ZERO=json.load(open("tests/expected/01.json"))["records"]["rouge1_no_prompt"]["value"]
R=next(each for each in json.load(open(sys.argv[1]))["notebooks"] if each["name"].startswith("02"))["records"]
def rnd(x):
    if isinstance(x,dict): return {k:rnd(v) for k,v in x.items()}
    if isinstance(x,list): return [rnd(v) for v in x]
    return round(x,4) if isinstance(x,float) and abs(x)>1e-3 else x
V=rnd(R); E={}; F={}
E["n_dialogues"]=dict(equals=200,no_effect=0,reason="the number of dialogues that the intervals are stated for")
v=V["entropy_by_temperature"]; one=5
gaps=[min((v[i]-v[i-1]) if i else 9,(v[i+1]-v[i]) if i+1<len(v) else 9) for i in range(len(v))]
ne=[v[one]]*len(v); ne[one]=v[one-1]
E["entropy_by_temperature"]=dict(value=v,tolerance=[round(0.4*g,4) for g in gaps],no_effect=ne,reason="a higher temperature spreads the probability: each tolerance is under half the step to either neighbour, so that within them the list rises strictly; no effect: the entropy at 1, and at 1 that of 0.7")
E["top_p_differs_from_at_most_p_share"]=dict(at_least=0.95,value=V["top_p_differs_from_at_most_p_share"],no_effect=0.0,reason="the set reaches p: without the token that takes the sum over p it is another set")
for n in ("temperature","top_k","top_p"):
    E[f"max_abs_diff_{n}"]=dict(at_most=1e-6,value=R[f"max_abs_diff_{n}"],no_effect=0.05,reason="by hand and by the library's logits processor the same; no effect: a wrong set or factor, which moves the likeliest token by percents")
E["rouge1_by_config"]=dict(value=V["rouge1_by_config"],tolerance=0.03,no_effect=ZERO,reason="each configuration writes summaries; no effect: the score of an output that is none, without a prompt in Lab 01")
E["distinct2_by_config"]=dict(value=V["distinct2_by_config"],tolerance=0.04,no_effect=0.01,reason="texts of different dialogues differ; no effect: the same text for each of a hundred dialogues")
E["repeat_rate_by_config"]=dict(value=V["repeat_rate_by_config"],tolerance=0.02,no_effect=V["repeat_rate_long_greedy"],reason="a text that ends by itself repeats less than one of forced length; no effect: the share of forced greedy texts")
F["tokens_per_second_by_config"]="depends on the machine"
H=["0.3","0.7","1.0","1.5"]
for what,order in (("rouge1",H),("distinct2",H[::-1])):
    name=f"{what}_by_temperature"; val={h:V[name][h]["value"] for h in H}
    for i,h in enumerate(order):
        far=order[-1] if i<2 else order[0]
        tol=round(min(0.03,0.45*abs(val[h]-val[far])),4)
        e=dict(value=val[h],tolerance=tol,no_effect=val[far])
        if i+1<len(order): e["above"]=f"{name}[{order[i+1]}][value]"
        e["reason"]={"rouge1":"quality falls with temperature","distinct2":"diversity rises with temperature"}[what]+"; no effect: the value at the far end"
        E[f"{name}[{h}][value]"]=e
    E[f"{name}[{order[0]}][interval]"]=dict(above_interval_of=f"{name}[{order[-1]}][interval]",reason="the ends are further apart than chance over dialogues")
    for h in order[1:]: F[f"{name}[{h}][interval]"]="only the ends' intervals are claimed to be apart" if h!=order[-1] else "the other end of the relation above"
E["greedy_equals_low_temperature"]=dict(at_least=0.98,value=V["greedy_equals_low_temperature"],no_effect=V["greedy_equals_plain_sampling"],reason="near 0 the likeliest token takes everything; no effect: the share of steps at which sampling at 1 takes it")
E["greedy_equals_plain_sampling"]=dict(value=V["greedy_equals_plain_sampling"],tolerance=0.02,no_effect=V["greedy_equals_low_temperature"],reason="at 1 the other tokens are drawn too; no effect: the share near 0")
F["greedy_texts_equal_low_temperature"]="one near-tie in a text is enough for another text, so that the share of whole texts says little"
E["ignored_without_do_sample"]=dict(equals=1.0,no_effect=0.0,reason="greedy decoding never looks at temperature or top-k")
e=V["eos_below_cap_share"]; E["eos_below_cap_share"]=dict(at_least=round(e-0.05,2),value=e,no_effect=0.0,reason="max_new_tokens is a cap: most texts end below it; no effect: every text as long as the cap")
E["lower_cap_is_prefix_share"]=dict(equals=1.0,no_effect=0.0,reason="a cap ends a text and changes nothing before")
g,s=V["repeat_rate_long_greedy"],V["repeat_rate_long_sampled"]
E["repeat_rate_long_greedy"]=dict(value=g,above="repeat_rate_long_sampled",by=round(0.6*(g-s),2),reason="greedy decoding loops where the end is forbidden, sampling leaves the loop")
E["repeat_rate_long_sampled"]=dict(at_most=round(s+0.35*(g-s),2),value=s,no_effect=g,reason="sampling leaves the loop; no effect: as much repeated as greedily")
E["beam_steps_by_hand_equal_share"]=dict(equals=1.0,no_effect=0.0,reason="the step by hand is the library's")
E["beam_at_least_greedy_share"]=dict(at_least=0.95,value=V["beam_at_least_greedy_share"],no_effect=0.5,reason="beam search rarely returns a less probable text; no effect: as often less as more probable")
E["beam_better_than_greedy_share"]=dict(at_least=round(0.7*V["beam_better_than_greedy_share"],2),value=V["beam_better_than_greedy_share"],no_effect=0.0,reason="it often finds a more probable one; no effect: the same text")
F["beam_logprob_gain"]="its interval is asserted"
gi=V["beam_logprob_gain_interval"]
E["beam_logprob_gain_interval"]=dict(at_least=[round(0.7*x,3) for x in gi],value=gi,no_effect=[0,0],reason="paired over dialogues, the gain is away from zero")
E["wrong_settings_run_by_the_library_share"]=dict(value=V["wrong_settings_run_by_the_library_share"],tolerance=0.01,no_effect=0.0,reason="four of six wrong settings run as if nothing were wrong; no effect: the library refuses all")
E["wrong_settings_explained_share"]=dict(equals=1.0,no_effect=0.0,reason="each is explained before anything runs")
content=dict(records=E,free=F)
print(json.dumps(content,indent=1,ensure_ascii=False))
from labkit.expected import parse_expected,check_tolerances,compare
e=parse_expected(content)
print(*check_tolerances(e),*compare(e,R).values(),sep="\n",file=sys.stderr)
