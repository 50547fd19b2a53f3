import time, sys, copy, torch, numpy as np
import labkit
from labkit.models import load_model
from labkit.quantize import load_in_format
from labkit.tuning import fine_tune, training_batches
from labkit.metrics import rouge_scores, bootstrap_interval
steps, bs, lr = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]); n=int(sys.argv[4]); bits_list=[int(b) for b in sys.argv[5].split(',')]; group=int(sys.argv[6])
run=labkit.profile(test_size=n)
m,tok=load_model(run)
from torchao.quantization import IntxWeightOnlyConfig, PerGroup, quantize_
from torchao.quantization.qat import QATConfig, IntxFakeQuantizeConfig
d=labkit.load_dialogues(run); FLAN="Dialogue:\n\n{dialogue}\n\nWhat was going on?\n"
test=d['test_topics'].select(range(n)); prompts=[FLAN.format(dialogue=t) for t in test['dialogue']]; refs=list(test['summary'])
def score(mm,name):
    t=time.time(); o=labkit.generate(mm,tok,prompts,max_new_tokens=run.max_new_tokens,batch_size=run.batch_size); r=rouge_scores(o,refs)['rouge1']
    print(name,'rouge1',round(float(np.mean(r)),4),'s',round(time.time()-t,1),repr(o[0][:150]),flush=True); return np.array(r)
sizes=[len(t) for t in d['train']['dialogue']]; short=[i for i,s in enumerate(sizes) if s<=np.median(sizes)]
print('train',len(sizes),'median chars',np.median(sizes))
pool=d['train'].select(np.random.default_rng(0).choice(short,min(len(short),steps*bs),replace=False))
batches=training_batches(tok,[FLAN.format(dialogue=t) for t in pool['dialogue']],list(pool['summary']),batch_size=bs,steps=steps,seed=0)
print('tokens',sum(b['input_ids'].numel()+b['labels'].numel() for b in batches))
score(m,'before')
full=load_in_format(run,dtype=torch.float32); t=time.time(); l=fine_tune(full,batches,learning_rate=lr); print('full train',round(time.time()-t,1),l[0],np.mean(l[-4:]))
best=score(full,'full')
lin=lambda mod,name: isinstance(mod,torch.nn.Linear) and 'lm_head' not in name
for bits in bits_list:
    dt=getattr(torch,f'int{bits}'); cfg=IntxWeightOnlyConfig(weight_dtype=dt,granularity=PerGroup(group))
    p=copy.deepcopy(full); quantize_(p,cfg,lin); after=score(p,f'ptq{bits}'); del p
    a=load_in_format(run,dtype=torch.float32); quantize_(a,QATConfig(weight_config=IntxFakeQuantizeConfig(dt,group_size=group,is_symmetric=True),step='prepare'),lin)
    t=time.time(); l=fine_tune(a,batches,learning_rate=lr); print('qat train',round(time.time()-t,1),l[0],np.mean(l[-4:]))
    quantize_(a,QATConfig(cfg,step='convert'),lin); q=score(a,f'qat{bits}')
    print(bits,'loss',bootstrap_interval(best-after),'gain',bootstrap_interval(q-after),'recovered',(q-after).mean()/(best-after).mean(),flush=True)
