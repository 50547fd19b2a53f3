"""Expectations of Lab 03 from executed notebooks, the first with seed 0."""
import json, sys, statistics
from labkit.record import read_records
r=read_records(sys.argv[1])
E={}; free={}
def rd(x,n=4): return {k:rd(v,n) for k,v in x.items()} if isinstance(x,dict) else [round(v,n) for v in x] if isinstance(x,list) else round(x,n) if isinstance(x,float) else x
def put(name,reason,**kw): E[name]={**kw,"reason":reason}
def eq(name,no,reason): put(name,reason,equals=r[name],no_effect=no)
eq("finfo_compared",0,"every figure of five float formats and of INT8 that torch states")
eq("finfo_mismatches",r["finfo_compared"],"the layout of a format decides its range and precision; no effect: none agrees")
eq("first_integer_lost_bf16",2049,"eight significant bits count to 256; no effect: FP16's eleven")
eq("first_integer_lost_fp16",257,"eleven significant bits count to 2048; no effect: BF16's eight")
put("max_abs_diff_int8","by hand as torchao, to rounding; no effect: a step of the scale",at_most=1e-6,value=r["max_abs_diff_int8"],no_effect=0.01)
for k,no in (("decibels_per_tensor",[0.0]*7),("decibels_per_channel",rd(r["decibels_per_tensor"],2)),("decibels_per_group",rd(r["decibels_per_channel"],2))):
    v=rd(r[k],2); tol=[round(min(0.3,0.4*abs(a-b)),2) for a,b in zip(v,no)]
    put(k,{"decibels_per_tensor":"each bit is worth 6 dB; depends on the weights alone; no effect: the error as large as the weights","decibels_per_channel":"a scale a row fits better than one for all; no effect: one for all","decibels_per_group":"a scale for every 32 weights fits better still; no effect: a scale a row"}[k],value=v,tolerance=tol,no_effect=no)
o=rd(r["outlier_costs_db"],2)
E["outlier_costs_db[per tensor]"]=dict(at_least=round(o["per tensor"]*0.8,1),value=o["per tensor"],no_effect=0.0,reason="one outlier sets the scale of the whole matrix")
E["outlier_costs_db[per channel]"]=dict(at_most=round(o["per channel"]+0.3*(o["per tensor"]-o["per channel"]),1),value=o["per channel"],no_effect=o["per tensor"],reason="the damage stays in its row; no effect: per tensor")
g=[k for k in o if "group" in k][0]
E[f"outlier_costs_db[{g}]"]=dict(at_most=round(o[g]+0.3*(o["per channel"]-o[g]),3),value=o[g],no_effect=o["per channel"],reason="the damage stays among 32 weights; no effect: per channel")
put("bytes_per_parameter","weights, gradients and Adam's states; no effect: the weights alone",equals=r["bytes_per_parameter"],no_effect={k:(4 if k.startswith("FP32") else 2) for k in r["bytes_per_parameter"]})
for k,no in (("sequences_at_6x",r["sequences_at_20x"]),("sequences_at_20x",r["sequences_at_6x"])):
    put(k,"what is left for activations and buffers, over what a sequence takes of them; no effect: the other sum",value=rd(r[k],3),tolerance=0.02,no_effect=rd(no,3))
for k in ("memory_estimate_error_inference","memory_estimate_error_training"):
    put(k,"the estimate from the configuration alone is within a tenth of the measurement; no effect: all of it missed",at_most=0.1,value=rd(r[k],5),no_effect=1.0)
eq("n_dialogues",0,"the number of dialogues that the intervals are stated for")
for k,w in (("bytes_on_disk_by_format","the file shrinks"),("bytes_in_memory_by_format","parameters and buffers shrink")):
    v=r[k]; no={n:(0 if n=="fp32" else v["fp32"]) for n in v}
    put(k,f"{w} with the format; no effect: fp32's bytes, for fp32 none",value=v,tolerance={n:round(0.02*x) for n,x in v.items()},no_effect=no)
free["tokens_per_second_by_format"]="depends on the machine; `make bench` shows it"
v=rd(r["rouge1_by_format"])
put("rouge1_by_format","every format down to 4 bits still summarises; no effect: no prompt at all (Lab 01)",value=v,tolerance=0.02,no_effect={n:0.12 for n in v})
s=rd(r["linear_bytes_share"])
E["linear_bytes_share[fp32]"]=dict(equals=1.0,no_effect=0,reason="the measure of the others")
for n,lim in (("bf16",0.505),("int8_weight_only",0.30),("int8_dynamic",0.30),("nf4",0.17),("fp4",0.17)):
    E[f"linear_bytes_share[{n}]"]=dict(at_most=lim,value=s[n],no_effect=1.0,reason="the linear layers' bytes, their scales included, of fp32's")
m=rd(r["memory_share"])
E["memory_share[fp32]"]=dict(equals=1.0,no_effect=0,reason="the measure of the others")
for n in m:
    if n!="fp32": E[f"memory_share[{n}]"]=dict(value=m[n],tolerance=0.01,no_effect=1.0,reason="the whole model's bytes, of fp32's: embeddings and norms are not quantized")
c=r["summaries_changed"]
E["summaries_changed[fp32]"]=dict(equals=0,no_effect=r["n_dialogues"],reason="compared with itself")
for n in c:
    if n!="fp32": free[f"summaries_changed[{n}]"]="hangs on single roundings, which differ between processors"
loss=r["ptq_loss"]
put("int8_rouge1_change","INT8 leaves the scores as they are; no effect: the loss at the chosen width",at_most=0.01,value=rd(r["int8_rouge1_change"],5),no_effect=rd(loss))
put("max_abs_diff_fake_quantizer","values and gradients as torchao's; no effect: a gradient that is not stopped",at_most=1e-6,value=r["max_abs_diff_fake_quantizer"],no_effect=1.0)
eq("ptq_bits",32,"the width at which rounding after training visibly fails")
full,ptq,qat,before=r["rouge1_full_precision"],r["rouge1_ptq"],r["rouge1_qat"],r["rouge1_by_format"]["fp32"]
put("rouge1_full_precision","training brings the house style; no effect: the score before",at_least=rd(full-0.35*(full-before),2),value=rd(full),no_effect=rd(before))
put("rouge1_ptq","rounding breaks what was trained; no effect: as good as before it",at_most=rd(ptq+0.35*(full-ptq),2),value=rd(ptq),no_effect=rd(full))
put("rouge1_qat","training with the rounding in view; no effect: rounded after training",at_least=rd(qat-0.4*(qat-ptq),2),value=rd(qat),no_effect=rd(ptq),above="rouge1_ptq",by=rd(0.3*(qat-ptq),3))
for k in ("rouge1_full_precision_interval","rouge1_ptq_interval","rouge1_qat_interval"): free[k]="the paired intervals, ptq_loss_interval and qat_gain_interval, are held against 0"
put("ptq_loss","visible is 0.05 or more",at_least=max(0.05,rd(0.6*loss,3)),value=rd(loss),no_effect=0.0)
for k in ("ptq_loss_interval","qat_gain_interval"):
    v=rd(r[k]); put(k,"paired over dialogues, away from zero; no effect: no difference",at_least=[rd(0.55*x,3) for x in v],value=v,no_effect=[0.0,0.0])
put("qat_recovered_share","at least half is won back; no effect: nothing",at_least=max(0.5,rd(0.55*r["qat_recovered_share"],2)),value=rd(r["qat_recovered_share"]),no_effect=0.0)
eq("scales_learnt_by_default",1,"torchao computes scales from the weights; no effect: it learns them")
missing=[k for k in r if k not in E and k not in free and not any(x.startswith(k+"[") for x in (*E,*free))]
print("missing",missing)
json.dump({"records":E,"free":free},open('tests/expected/03.json','w'),indent=1)
from labkit.expected import read_expected, check_tolerances, compare
from pathlib import Path
e=read_expected(Path('tests/expected/03.json'))
print(check_tolerances(e)); 
for f in sys.argv[1:]: print(f, compare(e,read_records(f)))
