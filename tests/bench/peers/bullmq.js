// W1 and W2 on BullMQ: one job runs all its steps and saves each result with updateData, which is its fastest way of checkpointing.
// node bullmq.js SOCKET TASKS STEPS PAYLOAD WORKERS; in a worker process: node bullmq.js SOCKET worker
const {Queue, Worker} = require('bullmq');
const {fork} = require('child_process');
const [socket, tasks, steps, payload, workers] = process.argv.slice(2);
const connection = {path: socket, maxRetriesPerRequest: null};

function work() {
    let done = 0;
    const gaps = [];
    new Worker('bench', async job => {
        const {steps, payload} = job.data;
        let last = 0;
        const results = {};
        for (let i = 0; i < steps; i++) {
            const now = Number(process.hrtime.bigint() / 1000n);
            if (last && gaps.length < 5000) gaps.push(now - last);
            last = now;
            results['s' + i] = {fill: 'x'.repeat(payload)};
            await job.updateData({steps, payload, results});
        }
    }, {connection, concurrency: 100, removeOnComplete: {count: 0}, drainDelay: 1})
        .on('completed', () => { done++; process.send({done, gaps: gaps.splice(0)}); })
        .on('ready', () => process.send({ready: true}));
}

async function lead() {
    const queue = new Queue('bench', {connection});
    const children = Array.from({length: Number(workers)}, () => fork(__filename, [socket, 'worker']));
    await Promise.all(children.map(c => new Promise(r => c.once('message', r))));
    let done = 0, gaps = [];
    const all = new Promise(resolve => children.forEach(c => c.on('message', m => {
        if (m.done) { done++; gaps = gaps.concat(m.gaps); if (done === Number(tasks)) resolve(); }
    })));
    const began = process.hrtime.bigint();
    const data = {steps: Number(steps), payload: Number(payload)};
    for (let at = 0; at < tasks; at += 1000) {
        await queue.addBulk(Array.from({length: Math.min(1000, tasks - at)}, () => ({name: 't', data, opts: {removeOnComplete: true}})));
    }
    await all;
    const seconds = Number(process.hrtime.bigint() - began) / 1e9;
    gaps.sort((a, b) => a - b);
    console.log(JSON.stringify({seconds, p50_us: gaps[gaps.length >> 1], p99_us: gaps[Math.floor(gaps.length * 0.99)]}));
    children.forEach(c => c.kill());
    process.exit(0);
}

if (tasks === 'worker') work(); else lead();
